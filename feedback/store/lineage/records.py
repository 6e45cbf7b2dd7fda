"""What datasets are made of, and what was made of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from feedback.records.derived import IMPORT
from feedback.store.engine import of_desk
from feedback.store.tables import (
    Adapter,
    Dataset,
    Record,
    Run,
    Thumb,
)


def find_record(session: Session, *, desk_id: str, kind: str, named: str) -> Record | None:
    """The imported record that is called `source/identity`; both may hold slashes."""
    cuts = [place for place, sign in enumerate(named) if sign == "/"]
    for cut in cuts:
        query = of_desk(Record, desk_id).where(
            Record.origin_kind == IMPORT,
            Record.kind == kind,
            Record.source == named[:cut],
            Record.identity == named[cut + 1 :],
        )
        row = session.exec(query).one_or_none()
        if row is not None:
            return row
    return None


def find_thumb(session: Session, *, desk_id: str, thumb_id: str) -> tuple[Thumb, bool] | None:
    """A thumb, and whether it is the last one on its message, which is the one that counts."""
    row = session.exec(of_desk(Thumb, desk_id).where(Thumb.id == thumb_id)).one_or_none()
    if row is None:
        return None
    later = select(Thumb.id).where(Thumb.message_id == row.message_id)
    last = session.exec(later.order_by(col(Thumb.created_at).desc(), col(Thumb.id).desc()).limit(1)).one()
    return row, last == row.id


def list_datasets_since(session: Session, *, desk_id: str, since: datetime) -> Sequence[Dataset]:
    """Those that may hold what was stored at that moment, oldest first."""
    query = of_desk(Dataset, desk_id).where(Dataset.created_at >= since)
    return session.exec(query.order_by(col(Dataset.created_at), col(Dataset.id))).all()


def find_dataset(session: Session, *, desk_id: str, dataset_id: str) -> Dataset | None:
    return session.exec(of_desk(Dataset, desk_id).where(Dataset.id == dataset_id)).one_or_none()


def list_made_of_dataset(session: Session, *, desk_id: str, dataset_id: str) -> list[tuple[str, str]]:
    """(kind, id) of the runs on it, and of adapters that came to it by no run, oldest first."""
    runs = select(Run.id).where(Run.desk_id == desk_id, Run.dataset_id == dataset_id)
    others = select(Adapter.name).where(
        Adapter.desk_id == desk_id, Adapter.dataset_id == dataset_id, col(Adapter.run_id).is_(None)
    )
    return [
        *(("run", id) for id in session.exec(runs.order_by(col(Run.created_at), col(Run.id)))),
        *(("adapter", name) for name in session.exec(others.order_by(col(Adapter.name)))),
    ]
