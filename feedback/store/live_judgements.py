"""Which rows of `judgement` are judgements. An undo is a row of its own that takes one back and judges
nothing, so whoever counts or lists judgements asks here. Counts of what they came to: `record_counts.py`.
"""

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select

from feedback.store.tables import Judgement

UNDO = "undo"


def is_judgement() -> ColumnElement[bool]:
    """The condition of a query over judgements: it says something of a set, whether it stands or not."""
    return col(Judgement.kind) != UNDO


def is_undone() -> ColumnElement[bool]:
    """A later row took it back."""
    undo = aliased(Judgement)
    return select(col(undo.id)).where(col(undo.undoes) == col(Judgement.id)).exists()


def is_live() -> ColumnElement[bool]:
    """A judgement that stands."""
    return and_(is_judgement(), ~is_undone())
