"""Asks the helper whether two customers ask the same, where characters alone do not tell: a bounded number of
pairs of prompts of the last dataset, one of which stands in a split held out from the other.

What it says is a mark that people read, and nothing more: no record is merged, left out or weighed by it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.datasets.duplicates_report import find_last_report
from feedback.datasets.layout import dataset_dir
from feedback.datasets.undecided import DrawnPrompt, Pair, draw_undecided
from feedback.helper.ask import Helper
from feedback.helper.errors import TextGone
from feedback.helper.labelling import FOR_GOOD
from feedback.helper.outcome import name_answerer
from feedback.helper.question import HelperQuestion
from feedback.helper.record_texts import find_call_subject
from feedback.labelling.kinds import ValueUnknown
from feedback.lineage.graph import Ref
from feedback.store import helper_calls
from feedback.store.engine import read
from feedback.store.helper_subjects import CallSubject, list_calls_about
from feedback.store.tables import DEFAULT_DESK

SIMILAR = "similar"  # use
VERSION = 1  # of the instruction: another one asks anew
SAME, OTHER, UNSURE = "same", "other", "unsure"
SAID = (SAME, OTHER, UNSURE)
UNANSWERED = "unanswered"
INSTRUCTION = (
    "`one` and `two` are conversations of two customers. Say whether their last messages ask the same, so "
    "that one reply answers both: same, other, or unsure where this cannot be told. Numbers, names and dates "
    "make no difference."
)
SCHEMA = {
    "type": "object",
    "properties": {"asks": {"type": "string", "enum": list(SAID)}},
    "required": ["asks"],
    "additionalProperties": False,
}


class SimilarMark(NamedTuple):
    """What the helper said of two records."""

    records: list[Ref]
    said: str
    model: str


class SimilarRun(NamedTuple):
    """How many pairs of a dataset were asked about, by what was said."""

    dataset: str
    said: dict[str, int]


def ask_similar(
    helper: Helper, store_engine: Engine, *, data_dir: Path, most: int, desk_id: str = DEFAULT_DESK
) -> SimilarRun | None:
    """Asks about at most so many pairs that were not asked about before; None without a dataset. Raises
    HelperError where it cannot go on: what was said until then is kept.
    """
    last = find_last_report(store_engine, desk_id=desk_id, data_dir=data_dir)
    if last is None:
        return None
    path = dataset_dir(data_dir, last[0].id)
    with read(store_engine) as session:
        asked = list_asked(session, desk_id=desk_id)
    said: Counter[str] = Counter()
    for pair in draw_undecided(path, most=most, without=asked):
        with read(store_engine) as session:
            found = [find_call_subject(session, desk_id=desk_id, ref=read_ref(each.address)) for each in pair]
        subjects = [subject for subject in found if subject is not None]
        if len(subjects) < len(pair):  # a record that was put together of others, or has gone since
            continue
        try:
            said[helper.ask(make_similar_question(*pair, subjects)).value["asks"]] += 1
        except FOR_GOOD:
            said[UNANSWERED] += 1
        except TextGone:
            continue
    return SimilarRun(last[0].id, dict(said))


def make_similar_question(
    one: DrawnPrompt, two: DrawnPrompt, subjects: Sequence[CallSubject]
) -> HelperQuestion:
    return HelperQuestion(
        use=SIMILAR,
        version=VERSION,
        instruction=INSTRUCTION,
        material={"one": one.messages, "two": two.messages},
        conversation=one.conversation,
        schema=SCHEMA,
        check=check_said,
        subjects=subjects,
    )


def check_said(told: dict[str, Any]) -> dict[str, Any]:
    if told.get("asks") not in SAID or len(told) != 1:
        raise ValueUnknown("asks", told.get("asks"), ", ".join(SAID))
    return told


def read_ref(address: str) -> Ref:
    kind, _, id = address.partition(":")
    return Ref(kind, id)


def list_asked(session: Session, *, desk_id: str) -> set[Pair]:
    """The pairs that are asked about no more: what was not reached, or not paid, is none."""
    states = (helper_calls.OK, helper_calls.INVALID, helper_calls.REFUSED, helper_calls.UNKNOWN)
    calls = list_calls_about(session, desk_id=desk_id, use=SIMILAR, states=states)
    return {frozenset(names) for _, names in calls}


def list_marks(session: Session, *, desk_id: str, limit: int) -> list[SimilarMark]:
    """What was said last, newest first; what was erased says nothing any more."""
    found = list_calls_about(session, desk_id=desk_id, use=SIMILAR, states=(helper_calls.OK,), limit=limit)
    return [
        SimilarMark([read_ref(name) for name in names], json.loads(call.answer)["asks"], name_answerer(call))
        for call, names in found
        if call.answer is not None
    ]
