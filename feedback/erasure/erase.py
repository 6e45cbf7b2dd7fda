"""One erasure from the request to the proof.

    with unit_of_work(engine) as session:
        erasure = erase(session, subject, ...)      # log line, then rows and marks, together or not at all
    finish(engine, erasure.id, data_dir=...)        # files, cards, proof; safe to repeat

If the process dies between the two, the trainer finishes the erasure at its next look. The trainer also
rebuilds the datasets (`trainer/jobs/erasures.py`), which the web cannot do.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from feedback.clock import Clock
from feedback.deployment.model_cards import refresh_cards
from feedback.erasure import files
from feedback.erasure.journal import LoggedErasure, erasures_dir, log_erasure, read_log
from feedback.store import erasures as store
from feedback.store.adapters import list_erased
from feedback.store.deployments import list_named
from feedback.store.engine import read, save_row, unit_of_work
from feedback.store.erasures import ErasedSubject
from feedback.store.runs import FINISHED
from feedback.store.tables import Adapter, Erasure, new_id
from serving.adapters.probe import may_hold_messages
from serving.files import write_atomically

BACKUP_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class ErasureRequest:
    """The kind of an erasure, who requested it, and where the files are."""

    kind: str  # conversation | customer | retention | again
    actor: str
    desk_id: str
    data_dir: Path
    run_id: str | None = None


def erase(session: Session, subject: ErasedSubject, asked: ErasureRequest, *, now: datetime) -> Erasure:
    """Erases the rows and marks the datasets, in the caller's transaction."""
    members = store.list_members(session, subject=subject)
    datasets = store.list_dataset_ids(session, desk_id=asked.desk_id)
    holders = files.find_holders(asked.data_dir, datasets, members)
    row = Erasure(
        id=new_id(),
        desk_id=asked.desk_id,
        kind=asked.kind,
        actor=asked.actor,
        run_id=asked.run_id,
        datasets=holders,
        created_at=now,
    )
    names = store.list_record_names(session, subject=subject)
    log_erasure(
        asked.data_dir,
        LoggedErasure(row.id, asked.desk_id, asked.kind, now.isoformat(), subject.conversations, names),
    )
    row.counts = store.erase_rows(session, subject=subject, now=now)
    store.mark_datasets(session, dataset_ids=holders, now=now)
    return save_row(session, row)


def erase_again(store_engine: Engine, *, data_dir: Path, desk_id: str, clock: Clock) -> Erasure | None:
    """Erases again, after a restore, what the log names and the store has; None if it has nothing."""
    lines = [line for line in read_log(data_dir) if line.desk_id == desk_id]
    with unit_of_work(store_engine) as session:
        subject = store.find_listed(
            session,
            desk_id=desk_id,
            conversations=sorted({id for line in lines for id in line.conversations}),
            records=sorted({name for line in lines for name in line.records}),
        )
        if subject.is_empty:
            return None
        asked = ErasureRequest("again", "restore", desk_id, data_dir)
        return erase(session, subject, asked, now=clock.now())


def finish(
    store_engine: Engine, erasure_id: str, *, data_dir: Path, backup_dir: Path | None, clock: Clock
) -> Path | None:
    """Removes the files and writes the proof; its path, or None while a run works on such a dataset."""
    with read(store_engine) as session:
        row = session.get_one(Erasure, erasure_id)
        runs = store.list_runs_of(session, dataset_ids=row.datasets)
        of_datasets = select(col(Adapter.name)).where(col(Adapter.dataset_id).in_(row.datasets))
        learned = {*session.scalars(of_datasets), *(run.adapter for run in runs if run.adapter)}
        run_ids, at_work = [run.id for run in runs], any(run.state not in FINISHED for run in runs)
    gone = files.remove_datasets(data_dir, row.datasets)
    if at_work:
        return None
    gone += files.remove_run_texts(data_dir, run_ids)
    gone_probes, probes = remove_probes(store_engine, data_dir=data_dir, desk_id=row.desk_id)
    gone += gone_probes
    if row.datasets:
        gone += files.remove_references(data_dir)
        refresh_cards(store_engine, data_dir, desk_id=row.desk_id)
    vacuum(store_engine)
    now = clock.now()
    proof = erasures_dir(data_dir) / f"{row.id}.json"
    backups = files.list_backups(backup_dir)
    told = report_erasure(row, gone, sorted(learned), probes, backups, now, store_engine.dialect.name)
    erasures_dir(data_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(proof, json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n", mode=0o600)
    with unit_of_work(store_engine) as session:
        session.get_one(Erasure, erasure_id).finished_at = now
    return proof


def remove_probes(store_engine: Engine, *, data_dir: Path, desk_id: str) -> tuple[list[str], list[str]]:
    """Removes the probes of flagged adapters that no longer serve. Returns the removed files, and the
    adapters that still serve with a probe that may contain messages.
    """
    with read(store_engine) as session:
        flagged = list_erased(session, desk_id=desk_id)
        serving = flagged & list_named(session) if flagged else set()
    gone = files.remove_probe_files(data_dir, sorted(flagged - serving))
    return gone, [name for name in sorted(serving) if may_hold_messages(files.probe_of(data_dir, name))]


def vacuum(store_engine: Engine) -> None:
    """Removes old versions of rows from PostgreSQL. SQLite has overwritten them (secure_delete)."""
    if store_engine.dialect.name != "postgresql":
        return
    tables = sorted(str(table.__tablename__) for table in store.list_covered())
    with store_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f'VACUUM "{table}"'))  # names of our own tables


def report_erasure(
    row: Erasure,
    gone: list[str],
    learned: list[str],
    probes: list[str],
    backups: list[Mapping[str, str]] | None,
    now: datetime,
    database: str,
) -> dict[str, Any]:
    """The proof: what was done, and what could not be done."""
    left: list[dict[str, Any]] = [
        {"what": "adapter", "name": name, "why": "its weights learnt from an erased dataset; it is flagged"}
        for name in learned
    ]
    why = "it serves, and its probe may hold token ids of messages: it goes once the adapter serves no more"
    left += [{"what": "probe", "name": name, "why": why} for name in probes]
    if backups is None:
        left.append({"what": "backups", "why": "not known: set [feedback] backup_dir to have them named"})
    for backup in backups or ():
        made = datetime.strptime(backup["name"][:16], BACKUP_TIME).replace(tzinfo=UTC)
        age = round((now - made).total_seconds() / 86_400, 2)
        left.append(
            {"what": "backup", **backup, "age_days": age, "why": "made before; restore.sh erases again"}
        )
    if database == "postgresql":
        why = "it holds the texts until its segments are recycled; so do replicas and archives of it"
        left.append({"what": "PostgreSQL's write-ahead log", "why": why})
    left.append({"what": "exports", "why": "files that somebody took out with `rejoinder export`"})
    return {
        "id": row.id,
        "kind": row.kind,
        "actor": row.actor,
        "at": row.created_at.isoformat(),
        "finished_at": now.isoformat(),
        "rows": row.counts,
        "datasets": row.datasets,
        "files": gone,
        "left": left,
    }
