"""The dataset of a stored source that a run mixed in beside its own, as its recipe has it. Session first, no
commit.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from feedback.store.tables import Adapter, Dataset, Run

MIXED: Any = col(Run.recipe)[("mix", "sha256")].as_string()
# The general set of another run is a file, and what is noted is the hash of that.
HAS_MIXED: ColumnElement[bool] = col(Run.recipe)[("mix", "source")].as_string().is_not(None)


def has_learnt(dataset_ids: Collection[str]) -> ColumnElement[bool]:
    """The query condition for a run that one of these datasets was for, or that mixed one in."""
    return or_(col(Run.dataset_id).in_(dataset_ids), and_(HAS_MIXED, MIXED.in_(dataset_ids)))


def list_learnt(session: Session, *, adapter: Adapter) -> list[Dataset]:
    """The datasets that an adapter was trained on: its own, and one that its run mixed in."""
    of_run = select(MIXED).where(col(Run.id) == adapter.run_id, HAS_MIXED)
    ids = [adapter.dataset_id, *session.exec(of_run)]
    return [row for id in ids if id is not None and (row := session.get(Dataset, id)) is not None]
