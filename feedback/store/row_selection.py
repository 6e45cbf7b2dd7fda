"""The conditions that select rows of the console's list of conversations. Reads nothing itself.

    Selection(words=("refund",), language="en")                a row is a conversation
    Selection(verdict="tuned", version="tuned-20261122-1")     a row is a judgement, a thumb or a closing

Conditions that reveal arms (`base`, `tuned`, versions, why a set compares nothing) select only among verdicts
that nobody can take back into an open set any more. Otherwise a list would show what an open set hides.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select
from sqlmodel import col

from feedback.records.arms import REPEATED, UNEQUAL_TEXTS, VERSIONS_DESIGN
from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.records.derived import JUDGEMENT, THUMB, THUMB_WORDS, TIE_OF_ALL, UNDONE
from feedback.store.tables import Judgement, Message, Record

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


@dataclass(frozen=True)
class RowSelection:
    """The selected rows: all conditions must hold, and times include both ends. `reason` is why a judgement
    is no choice, or with a version why it does not count for it. `settled` is the kind as it counts,
    `beside` the older version.
    """

    words: tuple[str, ...] = ()
    language: str | None = None
    tag: str | None = None
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

    @property
    def is_of_closings(self) -> bool:
        return self.verdict in CLOSINGS

    @property
    def is_of_records(self) -> bool:
        """Whether a row is a judgement or a thumb."""
        wishes = (self.verdict, self.settled, self.reason, self.arm, self.version, self.beside, self.agent)
        return any(wishes) and not self.is_of_closings

    @property
    def is_empty(self) -> bool:
        return all(not getattr(self, each.name) for each in fields(self))


def match_time(asked: RowSelection, at: Any) -> list[ColumnElement[bool]]:
    bounds = ((asked.since, at.__ge__), (asked.until, at.__le__))
    return [holds(bound) for bound, holds in bounds if bound is not None]


def is_in_language(language: str, column: Any) -> ColumnElement[bool]:
    """Whether a column holds this language; a region is ignored, so that zh-CN counts as zh."""
    return or_(func.lower(column) == language.lower(), func.lower(column).like(f"{language.lower()}-%"))


def match_tag(tag: str, column: Any) -> ColumnElement[bool]:
    """Whether the JSON column holds this whole tag: each element is a quoted string in the column's text."""
    text = cast(column, Text)
    return func.replace(text, json.dumps(tag), "") != text


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
    """The spellings of a word to search for. Databases fold the case of A to Z only, so words in other
    scripts are tried in each case.
    """
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}


def match_record(asked: RowSelection, *, desk_id: str) -> list[ColumnElement[bool]]:
    """The conditions on judgements and thumbs: everything except words and the conversation's state."""
    is_thumb = asked.verdict in THUMBS
    found: list[ColumnElement[bool]] = [
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == (THUMB if is_thumb else JUDGEMENT),
        *match_time(asked, col(Record.created_at)),
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
        found.append(match_tag(asked.tag, col(Record.tags)))
    if tells_arms(asked) and not is_thumb:
        found += [is_settled(), col(Record.origin_id).not_in(select_held(desk_id=desk_id))]
    if (
        asked.version or asked.verdict in (COUNTED, *ARMS)
    ) and not is_thumb:  # sets of two versions count for themselves
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


def tells_arms(asked: RowSelection) -> bool:
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
