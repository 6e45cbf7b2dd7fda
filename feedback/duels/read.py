"""Reads a duel as a viewer may see it: its progress always, its result only once it is closed.

Nobody sees a running score, so nobody stops a duel because of it and the remaining judges are not influenced.
"""

from dataclasses import dataclass

from sqlmodel import Session

from feedback.duels.result import Result, count_result
from feedback.store import duels
from feedback.store.adapters import find_trained_until, get_adapter
from feedback.store.duel_verdicts import find_next_round, list_active_verdicts
from feedback.store.tables import Duel


@dataclass(frozen=True)
class DuelView:
    """A duel for one viewer, whose own are `judged`, `next_round` and `last_verdict_id`."""

    duel: Duel
    rounds: dict[str, int]
    judged: int
    judges: int
    next_round: int | None
    last_verdict_id: str | None  # the last verdict that can be taken back
    result: Result | None

    @property
    def drawn(self) -> int:
        return sum(self.rounds.values()) - self.rounds[duels.WAITING]


def read_duels(session: Session, *, desk_id: str, judge: str, limit: int) -> list[DuelView]:
    """The duels of a desk for this judge, newest first."""
    rows = duels.select_duels(session, desk_id=desk_id, limit=limit)
    counts = duels.count_rounds(session, duel_ids=[row.id for row in rows])
    return [_view(session, row, counts[row.id], judge) for row in rows]


def read_duel(session: Session, *, desk_id: str, duel_id: str, judge: str) -> DuelView:
    """A duel for this judge. Raises NotFound."""
    row = duels.get_duel(session, desk_id=desk_id, duel_id=duel_id)
    return _view(session, row, duels.count_rounds(session, duel_ids=[row.id])[row.id], judge)


def _view(session: Session, duel: Duel, counts: dict[str, int], judge: str) -> DuelView:
    active = list_active_verdicts(session, duel_id=duel.id)
    own = [one for one in active if one.judge == judge]
    is_open = duel.state == duels.OPEN
    return DuelView(
        duel=duel,
        rounds=counts,
        judged=len(own),
        judges=len({one.judge for one in active}),
        next_round=find_next_round(session, duel_id=duel.id, judge=judge) if is_open else None,
        last_verdict_id=own[-1].id if own and is_open else None,
        result=read_result(session, duel) if duel.state == duels.CLOSED else None,
    )


def read_result(session: Session, duel: Duel) -> Result:
    """The result of a duel, which must be closed."""
    names = [name for name in (duel.adapter, duel.rival) if name is not None]
    contenders = [get_adapter(session, desk_id=duel.desk_id, name=name) for name in names]
    return count_result(
        duel.adapter,
        duel.rival,
        duels.list_rounds(session, desk_id=duel.desk_id, duel_id=duel.id),
        list_active_verdicts(session, duel_id=duel.id),
        trained_until=max(find_trained_until(session, adapter) for adapter in contenders),
        arm=duel.arm,
    )
