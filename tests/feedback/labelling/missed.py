"""Runs whose adapters predicted some held-out picks wrong, as files written by hand."""

import json
from pathlib import Path

from sqlalchemy import Engine

from feedback.store.engine import unit_of_work
from feedback.store.tables import Run
from tests.databases import START
from tests.feedback.builders import DESK


def add_run(engine: Engine, adapter: str | None = None, slot: str = "1") -> str:
    with unit_of_work(engine) as session:
        run = Run(desk_id=DESK, kind="night", slot=slot, state="done", adapter=adapter, created_at=START)
        session.add(run)
        session.flush()
        return run.id


def put_missed(data_dir: Path, run_id: str, *lines: tuple[str, str, float]) -> None:
    """The file of a run: source, id and nats of each choice."""
    folder = data_dir / "runs" / run_id
    folder.mkdir(parents=True)
    rows = [
        {"form": "choice", "source": source, "id": id, "nats": nats, "preferred": 1}
        for source, id, nats in lines
    ]
    (folder / "missed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
