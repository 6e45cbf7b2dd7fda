"""Erases old records, finishes erasures that were asked for, and builds datasets again without erased
records.

every minute    erasures whose files are still there; probes of adapters that served then; erased datasets
every night     what is older than `retention_days`, before the night collects
"""

import json
import logging
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.datasets.build import Selection, build_dataset
from feedback.datasets.errors import DifficultyUnknown, NothingSelected
from feedback.erasure.erase import ErasureRequest, erase, finish, remove_probes
from feedback.store import erasures as store
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Dataset
from trainer.context import NightContext

log = logging.getLogger(__name__)

AT_ONCE = 1_000  # conversations per transaction: a longer one would make others wait for the store


def finish_erasures(ctx: NightContext) -> None:
    """Finishes erasures, removes probes that are no longer needed, builds datasets again."""
    finish_all(ctx.store_engine, data_dir=ctx.data_dir, backup_dir=ctx.backup_dir, clock=ctx.clock)
    remove_probes(ctx.store_engine, data_dir=ctx.data_dir, desk_id=ctx.desk_id)
    rebuild(ctx.store_engine, data_dir=ctx.data_dir, clock=ctx.clock, desk_id=ctx.desk_id)


def erase_old(ctx: NightContext, *, days: int, run_id: str | None = None) -> int:
    """Erases what had its last message or import over `days` days ago (0: nothing); returns the number."""
    before, erased = ctx.clock.now() - timedelta(days=days), 0
    while days:
        with unit_of_work(ctx.store_engine) as session:
            subject = store.find_before(session, desk_id=ctx.desk_id, before=before, limit=AT_ONCE)
            if subject.is_empty:
                break
            asked = ErasureRequest("retention", "trainer", ctx.desk_id, ctx.data_dir, run_id)
            erase(session, subject, asked, now=ctx.clock.now())
        erased += len(subject.conversations) + len(subject.records)
    if erased:
        log.info("%d conversations and records older than %d days erased", erased, days)
    return erased


def finish_all(store_engine: Engine, *, data_dir: Path, backup_dir: Path | None, clock: Clock) -> list[Path]:
    """Finishes every erasure that can be finished now; returns the paths of their proofs."""
    with read(store_engine) as session:
        open_ones = store.list_unfinished_erasures(session)
    proofs = (
        finish(store_engine, id, data_dir=data_dir, backup_dir=backup_dir, clock=clock) for id in open_ones
    )
    return [proof for proof in proofs if proof is not None]


def rebuild(store_engine: Engine, *, data_dir: Path, clock: Clock, desk_id: str) -> dict[str, str | None]:
    """Builds every erased dataset again; returns the new id for each old one, None if nothing is left."""
    with read(store_engine) as session:
        rows = store.list_to_rebuild(session, desk_id=desk_id)
    by_selection: dict[str, list[Dataset]] = {}
    for row in rows:
        by_selection.setdefault(json.dumps(row.selection, sort_keys=True), []).append(row)
    rebuilt: dict[str, str | None] = {}
    for same in by_selection.values():
        selection = Selection.from_json(same[0].selection)
        try:
            fresh = build_dataset(
                store_engine, data_dir=data_dir, clock=clock, desk_id=desk_id, selection=selection
            ).id
        except NothingSelected:
            fresh = None
        except DifficultyUnknown:  # the erasure removed the file that tells it: after the next run
            continue
        with unit_of_work(store_engine) as session:
            for row in same:
                found = session.get_one(Dataset, row.id)
                found.rebuilt_at, found.rebuilt_as = clock.now(), fresh
                rebuilt[row.id] = fresh
    return rebuilt
