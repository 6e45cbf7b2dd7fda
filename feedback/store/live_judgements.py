"""Which rows of `judgement` are judgements. An undo is a row of its own that takes one back and judges
nothing, so whoever counts or lists judgements asks here. Counts of what they came to: `record_counts.py`.
"""

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select

from feedback.store.tables import Judgement

UNDO = "undo"


def is_judgement() -> ColumnElement[bool]:
    """The query condition for a judgement, whether it was taken back or not; undo rows are left out."""
    return col(Judgement.kind) != UNDO


def is_undone() -> ColumnElement[bool]:
    """The query condition for a judgement that a later row took back."""
    undo = aliased(Judgement)
    return select(col(undo.id)).where(col(undo.undoes) == col(Judgement.id)).exists()


def is_live() -> ColumnElement[bool]:
    """The query condition for a judgement that was not taken back."""
    return and_(is_judgement(), ~is_undone())
