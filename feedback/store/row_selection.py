"""The conditions that select rows of the console's list of conversations. Reads nothing itself.

    Selection(words=("refund",), language="en")                a row is a conversation
    Selection(verdict="tuned", version="tuned-20261122-1")     a row is a judgement, a thumb or a closing
    Selection(messages="customer"), Selection(sets="judged")   a row is a message, a suggestion set

Conditions that reveal arms (`base`, `tuned`, versions, why a set compares nothing) select only among verdicts
that nobody can take back into an open set any more. Otherwise a list would show what an open set hides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import col

from feedback.records.arms import REPEATED, UNEQUAL_TEXTS, VERSIONS_DESIGN
from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.records.derived import JUDGEMENT, THUMB, THUMB_WORDS, TIE_OF_ALL, UNDONE
from feedback.store.engine import within
from feedback.store.tables import Judgement, Message, Record
from feedback.store.tag_filters import match_tags

GIVEN = ("pick", "edit", "own", "tie", "none", "skip")
ARMS = (BASE, TUNED, BOTH)
COUNTED = "counted"  # for the base, for the tuned version, or half for each
WON, LOST = "won", "lost"  # the newer version of a set of two, the older one
# Every judgement; those that nobody took back; those that are choices; those that give a pair.
JUDGED, STANDING, CHOICE, PAIRED = "judged", "standing", "choice", "paired"
THUMBS = tuple(THUMB_WORDS.values())
CLOSINGS = ("spam", "no_reply")
VERDICTS = (JUDGED, STANDING, CHOICE, PAIRED, *GIVEN, COUNTED, *ARMS, WON, LOST, *THUMBS, *CLOSINGS)
STATES = ("waiting", "answered", "closed", "erased")
# After these a set may be open again, or still.
OPEN_AFTER = ("none", "skip", UNDONE, "unblinded")
CARDS = 4  # of a whole set
# What a row is: a conversation, a judgement or thumb, a turn without reply, a message, a suggestion set.
RowKind = Literal["conversation", "verdict", "closing", "message", "set"]


@dataclass(frozen=True)
class RowSelection:
    """The selected rows: all conditions must hold, and times include both ends. `reason` is why a judgement
    is no choice, or with a version why it does not count for it. `settled` is the kind as it counts,
    `beside` the older version, `slot` the place (from 0) of the card that was picked among four different
    ones. `messages` are of this role, `sets` in this state. `strings` follow from the tag when rows are read.
    """

    words: tuple[str, ...] = ()
    language: str | None = None
    tag: str | None = None
    strings: frozenset[str] = frozenset()  # that mean the tag or one below it
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    verdict: str | None = None
    settled: str | None = None
    reason: str | None = None
    arm: str | None = None
    version: str | None = None
    beside: str | None = None
    agent: str | None = None
    slot: int | None = None
    messages: str | None = None
    sets: str | None = None

    @property
    def kind(self) -> RowKind:
        """What a row is."""
        if self.verdict in CLOSINGS:
            return "closing"
        if self.messages is not None:
            return "message"
        if self.sets is not None:
            return "set"
        told = ("verdict", "settled", "reason", "arm", "version", "beside", "agent", "slot")
        return "conversation" if all(getattr(self, name) is None for name in told) else "verdict"

    @property
    def is_empty(self) -> bool:
        return all(not getattr(self, each.name) for each in fields(self))


def is_in_language(language: str, column: Any) -> ColumnElement[bool]:
    """Whether a column holds this language; a region is ignored, so that zh-CN counts as zh."""
    spoken, wanted = func.lower(column), language.lower()
    return or_(spoken == wanted, spoken.startswith(f"{wanted}-", autoescape=True))


def match_words(words: Sequence[str], conversation_id: Any, *, desk_id: str) -> list[ColumnElement[bool]]:
    """The condition that every word occurs in some message of the conversation that was not retracted."""
    of_desk = (col(Message.desk_id) == desk_id, col(Message.retracted_at).is_(None))
    return [
        conversation_id.in_(
            select(col(Message.conversation_id)).where(
                *of_desk, or_(*(col(Message.text).icontains(each, autoescape=True) for each in spell(word)))
            )
        )
        for word in words
    ]


def spell(word: str) -> set[str]:
    """The spellings to search for: databases fold the case of A to Z only."""
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}


def match_record(asked: RowSelection, *, desk_id: str) -> list[ColumnElement[bool]]:
    """The conditions on judgements and thumbs: everything except words and the conversation's state."""
    is_thumb = asked.verdict in THUMBS
    found: list[ColumnElement[bool]] = [
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == (THUMB if is_thumb else JUDGEMENT),
        *within(col(Record.created_at), asked.since, asked.until),
        *(column == value for column, value in _list_equal(asked) if value is not None),
    ]
    if asked.verdict is not None:
        found.append(col(Record.given) == asked.verdict if is_thumb else _match_verdict(asked.verdict))
    if asked.settled is not None:
        found.append(col(Record.rejection).is_(None))
    if asked.reason is not None:
        found.append(_match_reason(asked.reason, asked))
    if asked.language is not None:
        found.append(is_in_language(asked.language, col(Record.language)))
    if asked.tag is not None:
        found.append(match_tags(asked.strings, col(Record.tags)))
    if asked.slot is not None:
        found += [
            col(Record.slot) == asked.slot,
            col(Record.settled) == "pick",
            col(Record.pairs) + col(Record.close_pairs) == CARDS - 1,
            col(Record.origin_id).not_in(select_held(desk_id=desk_id)),
        ]
    if reveals_arms(asked) and not is_thumb:
        found += [is_settled(), col(Record.origin_id).not_in(select_held(desk_id=desk_id))]
    if (asked.version or asked.verdict in (COUNTED, *ARMS)) and not is_thumb:
        # Sets of two versions count for themselves.
        is_of_two = func.coalesce(col(Record.design), "") == VERSIONS_DESIGN
        found.append(is_of_two if asked.beside else ~is_of_two)
    return found


def _list_equal(asked: RowSelection) -> list[tuple[Any, str | None]]:
    return [
        (col(Record.settled), asked.settled),
        (col(Record.winner), asked.arm),
        (col(Record.adapter), asked.version),
        (col(Record.rival), asked.beside),
        (col(Record.agent), asked.agent),
    ]


def reveals_arms(asked: RowSelection) -> bool:
    """Whether the selection depends on facts that an open set hides."""
    return bool(asked.arm or asked.version or asked.beside or asked.verdict in (COUNTED, *ARMS, WON, LOST))


def is_settled() -> ColumnElement[bool]:
    """The condition that a judgement closed its set and was not taken back."""
    return or_(col(Record.rejection).is_(None), col(Record.rejection).not_in(OPEN_AFTER))


def select_held(*, desk_id: str) -> Any:
    """Selects judgements whose reply is still held back: taking them back now would open their set again."""
    return (
        select(col(Judgement.id))
        .join(Message, col(Message.turn_id) == col(Judgement.turn_id))  # indexed, unlike the message's id
        .where(
            col(Message.desk_id) == desk_id,
            col(Message.release_no).is_(None),
            col(Message.retracted_at).is_(None),
            col(Judgement.message_id) == col(Message.id),
        )
    )


def _match_verdict(verdict: str) -> ColumnElement[bool]:
    if verdict == JUDGED:
        return col(Record.given).is_not(None)
    if verdict == STANDING:
        return func.coalesce(col(Record.rejection), "") != UNDONE
    if verdict == CHOICE:
        return col(Record.rejection).is_(None)
    if verdict == PAIRED:
        return col(Record.pairs) > 0
    if verdict in GIVEN:
        return col(Record.given) == verdict
    if verdict == COUNTED:
        return _counts()
    if verdict == WON:
        return _counts() & (col(Record.winner) == col(Record.adapter))
    if verdict == LOST:
        return _counts() & (col(Record.winner) == col(Record.rival))
    return _counts() & (col(Record.winner) == verdict)


def _counts() -> ColumnElement[bool]:
    """The condition that a pick counts for a rate, by the rules of `support.py` and `versions.py`. A tie of
    all counts as half to each, although nothing is learnt from it.
    """
    return (
        or_(col(Record.rejection).is_(None), col(Record.rejection) == TIE_OF_ALL)
        & col(Record.incomparable).is_(None)
        & func.coalesce(col(Record.settled), "").not_in(("own",))
    )


def _match_reason(reason: str, asked: RowSelection) -> ColumnElement[bool]:
    """The condition that a judgement does not count for this reason: for a version by the rules of
    `support.py`, beside an older one by those of `versions.py`.
    """
    if asked.version is None:
        return col(Record.rejection) == reason
    is_tie = col(Record.rejection) == TIE_OF_ALL
    if asked.beside is None:
        is_tie &= col(Record.incomparable).is_(None)
    is_refused = (col(Record.rejection) == reason) & ~is_tie
    is_picked = (col(Record.rejection).is_(None) | is_tie) & (func.coalesce(col(Record.settled), "") != "own")
    codes = (UNEQUAL_TEXTS, REPEATED) if reason == UNEQUAL_TEXTS else (reason,)
    return is_refused | (is_picked & col(Record.incomparable).in_(codes))
