"""Verdicts of judges on the rounds of a duel, and taking them back. Append-only.

One active verdict per judge and round; several judges may judge the same round. Only an open duel takes
verdicts and undos: nobody changes what they said after seeing the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func

from feedback.errors import ApiError, Conflict
from feedback.records.candidate import BASE, TUNED
from feedback.records.from_judgement import Judged, ShownReply, ShownSet
from feedback.records.personal import list_known
from feedback.store.choices import JudgedSet, iterate_query
from feedback.store.conversations import CONVERSATION_COLUMNS
from feedback.store.duels import CLOSED, OPEN, READY, DuelNotOpen, RoundNotReady, get_duel, get_round
from feedback.store.engine import columns_of, get_row, of_desk, save_row, within
from feedback.store.tables import Conversation, Duel, DuelRound, DuelVerdict

SIDES = ("a", "b")
UNDO = "undo"
PLACE = columns_of(DuelVerdict, "created_at id")


class RoundJudged(Conflict):
    def __init__(self, number: int, verdict_id: str) -> None:
        super().__init__(
            "round_judged",
            f"You have judged round {number} already.",
            f"Take verdict {verdict_id} back first.",
        )


class VerdictUndone(Conflict):
    def __init__(self, verdict_id: str) -> None:
        super().__init__("already_undone", f"Verdict {verdict_id} was taken back already.", "Judge again.")


class VerdictNotYours(ApiError):
    def __init__(self, verdict_id: str) -> None:
        super().__init__(
            403, "not_permitted", f"Verdict {verdict_id} is another judge's.", "Ask them to take it back."
        )


@dataclass(frozen=True)
class ActiveVerdict:
    """A verdict that was not taken back."""

    id: str
    position: int
    verdict: str
    judge: str
    at: datetime


def record_verdict(
    session: Session,
    *,
    desk_id: str,
    duel_id: str,
    number: int,
    verdict: str,
    judge: str,
    dwell_ms: int | None,
    occurred_at: datetime | None,
    now: datetime,
) -> DuelVerdict:
    duel = get_duel(session, desk_id=desk_id, duel_id=duel_id, lock=True)  # closing waits for us
    found = get_round(session, desk_id=desk_id, duel_id=duel_id, number=number)
    if duel.state != OPEN:
        raise DuelNotOpen(duel_id, duel.state)
    if found.state != READY:
        raise RoundNotReady(number, found.state, found.reason)
    active = list_active_verdicts(session, duel_id=duel_id, judge=judge)
    before = next((one for one in active if one.position == number), None)
    if before is not None:
        raise RoundJudged(number, before.id)
    said = select(func.count()).where(
        col(DuelVerdict.round_id) == found.id,
        col(DuelVerdict.judge) == judge,
        col(DuelVerdict.verdict) != UNDO,
    )
    row = DuelVerdict(
        desk_id=desk_id,
        duel_id=duel_id,
        round_id=found.id,
        verdict=verdict,
        judge=judge,
        attempt=session.execute(said).scalar_one() + 1,
        dwell_ms=dwell_ms,
        occurred_at=occurred_at or now,
        created_at=now,
    )
    return save_row(session, row)


def undo_verdict(
    session: Session, *, desk_id: str, verdict_id: str, judge: str, now: datetime
) -> tuple[str, int]:
    """Takes the judge's own verdict back. Returns the id of the undo and the number of the round."""
    verdict = get_row(session, DuelVerdict, verdict_id, desk_id=desk_id, what="verdict")
    if verdict.judge != judge:
        raise VerdictNotYours(verdict_id)
    duel = get_duel(session, desk_id=desk_id, duel_id=verdict.duel_id, lock=True)
    if duel.state != OPEN:
        raise DuelNotOpen(duel.id, duel.state)
    undone = of_desk(DuelVerdict, desk_id).where(col(DuelVerdict.undoes) == verdict_id)
    if verdict.verdict == UNDO or session.exec(undone).first() is not None:
        raise VerdictUndone(verdict_id)
    row = DuelVerdict(
        desk_id=desk_id,
        duel_id=verdict.duel_id,
        round_id=verdict.round_id,
        verdict=UNDO,
        judge=judge,
        undoes=verdict_id,
        occurred_at=now,
        created_at=now,
    )
    save_row(session, row)
    return row.id, session.get_one(DuelRound, verdict.round_id).position


def list_active_verdicts(session: Session, *, duel_id: str, judge: str | None = None) -> list[ActiveVerdict]:
    """The verdicts that were not taken back, of one judge or of all, in the order given."""
    undo = aliased(DuelVerdict)
    query = (
        select(
            col(DuelVerdict.id), col(DuelRound.position), *columns_of(DuelVerdict, "verdict judge created_at")
        )
        .join(DuelRound, col(DuelRound.id) == col(DuelVerdict.round_id))
        .outerjoin(undo, col(undo.undoes) == col(DuelVerdict.id))
        .where(col(DuelVerdict.duel_id) == duel_id, col(DuelVerdict.verdict) != UNDO, col(undo.id).is_(None))
        .order_by(col(DuelVerdict.created_at), col(DuelVerdict.id))
    )
    if judge is not None:
        query = query.where(col(DuelVerdict.judge) == judge)
    return [ActiveVerdict(*row) for row in session.execute(query)]


def find_next_round(session: Session, *, duel_id: str, judge: str) -> int | None:
    """The first round that this judge has not judged; None when there is none left."""
    judged = {one.position for one in list_active_verdicts(session, duel_id=duel_id, judge=judge)}
    query = (
        select(col(DuelRound.position))
        .where(col(DuelRound.duel_id) == duel_id, col(DuelRound.state) == READY)
        .order_by(col(DuelRound.position))
    )
    return next((number for number in session.scalars(query) if number not in judged), None)


def read_judged_round(session: Session, *, desk_id: str, verdict_id: str) -> list[JudgedSet]:
    """One verdict as `iterate_judged_rounds` yields it; empty if it is none of a closed duel."""
    query = _select_judged_rounds(desk_id).where(col(DuelVerdict.id) == verdict_id)
    return _complete_judged_rounds(session, session.execute(query).all())


def iterate_judged_rounds(
    store_engine: Engine, *, desk_id: str, since: datetime | None, until: datetime
) -> Iterator[JudgedSet]:
    """Verdicts of closed duels as judgements on sets of two replies, oldest first, for training."""
    query = _select_judged_rounds(desk_id).where(*within(PLACE[0], since, until))
    return iterate_query(store_engine, query, place=PLACE, complete=_complete_judged_rounds)


def _select_judged_rounds(desk_id: str) -> Any:
    return (
        select(*PLACE, DuelVerdict, DuelRound, col(Duel.base_id), *CONVERSATION_COLUMNS)
        .join(DuelRound, col(DuelRound.id) == col(DuelVerdict.round_id))
        .join(Duel, col(Duel.id) == col(DuelVerdict.duel_id))
        .join(Conversation, col(Conversation.id) == col(DuelRound.conversation_id))
        .where(col(DuelVerdict.desk_id) == desk_id, col(DuelVerdict.verdict) != UNDO)
        .where(col(Duel.state) == CLOSED)
    )


def _complete_judged_rounds(session: Session, rows: Sequence[Any]) -> list[JudgedSet]:
    ids = [row.id for row in rows]
    undone = set(session.scalars(select(col(DuelVerdict.undoes)).where(col(DuelVerdict.undoes).in_(ids))))
    judged: list[JudgedSet] = []
    for _, _, verdict, found, base_id, language, tags, customer_id, details in rows:
        is_of_one_base = found.a_arm is None
        shown = ShownSet(
            conversation=found.conversation_id,
            prompt=found.messages,
            replies=show_sides(found),
            design="duel",
            prompt_token_ids=found.prompt_token_ids if is_of_one_base else None,
            base_id=(base_id or None) if is_of_one_base else None,
            chat_template_kwargs=found.chat_template_kwargs,
            language=language,
            tags=tuple(tags),
            known=tuple(list_known(customer_id, details)),
        )
        judged.append((judged_from_verdict(verdict, undone=verdict.id in undone), shown))
    return judged


def judged_from_verdict(row: DuelVerdict, *, undone: bool) -> Judged:
    """A verdict in the form of a judgement: a pick of one side, a tie of both, or none."""
    kinds = {"a": "pick", "b": "pick", "tie": "tie", "both_bad": "none"}
    return Judged(
        id=row.id,
        kind=kinds[row.verdict],
        agent=row.judge,
        at=row.created_at,
        candidate_id=row.verdict if row.verdict in SIDES else None,
        candidate_ids=SIDES if row.verdict == "tie" else (),
        dwell_ms=row.dwell_ms,
        undone=undone,
    )


def show_sides(row: DuelRound) -> list[ShownReply]:
    """The two replies in the order shown; each side is the id of its reply. Sides of different bases have no
    token ids in common, so they are texts alone.
    """
    ids = (row.a_token_ids, row.b_token_ids) if row.a_arm is None else (None, None)
    texts = (row.a_text, row.a_adapter, ids[0]), (row.b_text, row.b_adapter, ids[1])
    return [
        ShownReply(side, slot, text, TUNED if adapter else BASE, adapter, token_ids=tokens)
        for slot, (side, (text, adapter, tokens)) in enumerate(zip(SIDES, texts, strict=True))
    ]
