"""Rows of `dataset`: one for each content, never changed. Keyword-only, session first, no commit."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col

from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.tables import Adapter, Dataset


def add_dataset(session: Session, *, dataset: Dataset) -> None:
    """Adds the row of a dataset, unless there is one of equal content, which has an equal id."""
    if session.get(Dataset, dataset.id) is None:
        save_row(session, dataset)


def get_dataset(session: Session, *, desk_id: str, dataset_id: str) -> Dataset:
    """The row of a dataset. Raises NotFound."""
    return get_row(session, Dataset, dataset_id, desk_id=desk_id, what="dataset")


def select_datasets(session: Session, *, desk_id: str, limit: int = 100) -> list[Dataset]:
    """The datasets of a desk, newest first."""
    query = of_desk(Dataset, desk_id).order_by(col(Dataset.created_at).desc(), col(Dataset.id)).limit(limit)
    return list(session.exec(query))


def find_dataset_before(session: Session, *, dataset: Dataset) -> Dataset | None:
    """The newest dataset of the desk that was built before this one and has its files."""
    query = of_desk(Dataset, dataset.desk_id).where(
        col(Dataset.created_at) < dataset.created_at, col(Dataset.erased_at).is_(None)
    )
    return session.exec(query.order_by(col(Dataset.created_at).desc(), col(Dataset.id)).limit(1)).first()


def list_adapters_on(session: Session, *, desk_id: str, dataset_ids: Collection[str]) -> Sequence[Adapter]:
    """The adapters that were trained on these datasets, newest first."""
    query = of_desk(Adapter, desk_id).where(col(Adapter.dataset_id).in_(dataset_ids))
    return session.exec(query.order_by(col(Adapter.created_at).desc(), col(Adapter.name).desc())).all()
