"""Rows of `dataset`: one for each content, never changed. Keyword-only, session first, no commit."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col

from feedback.store.engine import get_row, of_desk
from feedback.store.tables import Dataset


def add_dataset(
    session: Session,
    *,
    dataset_id: str,
    desk_id: str,
    selection: dict[str, Any],
    counts: dict[str, Any],
    refusals: dict[str, int],
    now: datetime,
) -> bool:
    """Adds the row of a dataset; returns whether it is new. Equal content has an equal id, and its first row
    stays as it is.
    """
    if session.get(Dataset, dataset_id) is not None:
        return False
    session.add(
        Dataset(
            id=dataset_id,
            desk_id=desk_id,
            selection=selection,
            counts=counts,
            refusals=refusals,
            created_at=now,
        )
    )
    session.flush()
    return True


def get_dataset(session: Session, *, desk_id: str, dataset_id: str) -> Dataset:
    """The row of a dataset. Raises NotFound."""
    return get_row(session, Dataset, dataset_id, desk_id=desk_id, what="dataset")


def select_datasets(session: Session, *, desk_id: str, limit: int = 100) -> list[Dataset]:
    """The datasets of a desk, newest first."""
    query = of_desk(Dataset, desk_id).order_by(col(Dataset.created_at).desc(), col(Dataset.id)).limit(limit)
    return list(session.exec(query))
