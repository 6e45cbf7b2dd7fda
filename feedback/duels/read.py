"""Reads a duel as a viewer may see it: its progress always, its result only once it is closed.

Nobody sees a running score, so nobody stops a duel because of it and the remaining judges are not influenced.
"""

from dataclasses import dataclass

from sqlmodel import Session

from feedback.duels.result import Result, count_result
from feedback.records.from_label import COMPARE
from feedback.store import duel_rounds, duels
from feedback.store.adapters import find_trained_until, get_adapter
from feedback.store.duel_verdicts import list_active_verdicts
from feedback.store.exclusions import read_excluded
from feedback.store.tables import Duel


@dataclass(frozen=True)
class DuelView:
    """A duel for one viewer, who judged `judged` of its rounds."""

    duel: Duel
    rounds: dict[str, int]
    judged: int
    judges: int
    result: Result | None

    @property
    def drawn(self) -> int:
        return sum(self.rounds.values()) - self.rounds[duel_rounds.WAITING]


def read_duels(session: Session, *, desk_id: str, judge: str, limit: int) -> list[DuelView]:
    """The duels of a desk for this judge, newest first."""
    rows = duels.select_duels(session, desk_id=desk_id, limit=limit)
    counts = duel_rounds.count_rounds(session, duel_ids=[row.id for row in rows])
    return [_view(session, row, counts[row.id], judge) for row in rows]


def read_duel(session: Session, *, desk_id: str, duel_id: str, judge: str) -> DuelView:
    """A duel for this judge. Raises NotFound."""
    row = duels.get_compared(session, desk_id=desk_id, duel_id=duel_id)
    return _view(session, row, duel_rounds.count_rounds(session, duel_ids=[row.id])[row.id], judge)


def _view(session: Session, duel: Duel, counts: dict[str, int], judge: str) -> DuelView:
    active = list_active_verdicts(session, task_id=duel.task_id)
    return DuelView(
        duel=duel,
        rounds=counts,
        judged=sum(one.judge == judge for one in active),
        judges=len({one.judge for one in active}),
        result=read_result(session, duel) if duel.state == duels.CLOSED else None,
    )


def read_result(session: Session, duel: Duel) -> Result:
    """The result of a duel, which must be closed; without what labellers said who are left out."""
    names = [name for name in (duel.adapter, duel.rival) if name is not None]
    excluded = read_excluded(session, desk_id=duel.desk_id, kind=COMPARE)
    contenders = [get_adapter(session, desk_id=duel.desk_id, name=name) for name in names]
    return count_result(
        duel.adapter,
        duel.rival,
        duel_rounds.list_rounds(session, task_id=duel.task_id),
        [one for one in list_active_verdicts(session, task_id=duel.task_id) if one.judge not in excluded],
        trained_until=max(find_trained_until(session, adapter) for adapter in contenders),
        arm=duel.arm,
    )
