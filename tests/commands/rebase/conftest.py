"""A desk on the demo model that has learnt something, and another base: the demo with another template."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from feedback.store.deployments import add_deployment
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import Record
from serving.base import compute_base_id, resolve_base
from serving.settings import DEMO_BASE
from tests.feedback.builders import DESK, NOW, add, add_adapter

SERVES = "tuned-20261122-1"


@pytest.fixture
def other_base(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    shutil.copytree(resolve_base(DEMO_BASE), folder)
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text() + "{# another one #}")
    return folder


@pytest.fixture
def engine(store: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def learnt(engine: Engine) -> Engine:
    """One imported choice, and a live adapter of the demo model."""
    with unit_of_work(engine) as session:
        told = {"kind": "choice", "source": "shop", "identity": "1", "conversation": "c"}
        add(session, Record(desk_id=DESK, body={"id": "1"}, created_at=NOW, **told))
        add_adapter(session, SERVES, "live", base_id=compute_base_id(DEMO_BASE))
        add_deployment(
            session, desk_id=DESK, role="live", adapter=SERVES, actor="ann", reason="good", now=NOW
        )
    return engine
