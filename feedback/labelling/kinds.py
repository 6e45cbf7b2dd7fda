"""The six kinds of tasks: what each asks, and which values its labels may have. Pure.

    tag       which tags of a part of the tree fit                {"tags": ["billing/refund"]}; empty: none
    compare   which of two replies is better                      {"side": "a" | "b" | "tie" | "both_bad"}
    pick      which of several replies are good                   {"picked": [0, 2]} or {"none": true}
    rate      how good one reply is                               {"score": 1 to 5}
    rewrite   what the reply should say, in a text of its own     {"unchanged": false}
    check     whether what is said of something is right          {"verdict": "good" | "bad" | "unsure"}

A value as it is stored and an answer, a word or set that can be counted, are two forms of the same.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from feedback.canonical import hash_text
from feedback.errors import ApiError
from feedback.records.from_label import COMPARE, PICK, RATE, REWRITE, SIDES, TAG

CHECK = "check"
KINDS = (TAG, COMPARE, PICK, RATE, REWRITE, CHECK)
PREFERENCES = (*SIDES, "tie", "both_bad")
SCORES = (1, 2, 3, 4, 5)
GOOD, BAD, UNSURE = "good", "bad", "unsure"
FIELDS = {COMPARE: "side", RATE: "score", REWRITE: "unchanged"}  # of the kinds whose answer is one word
VERDICTS = (GOOD, BAD, UNSURE)
MAX_TEXT = 20_000

Value = dict[str, Any]
Answer = Hashable  # None: could not tell


class ValueUnknown(ApiError):
    def __init__(self, field: str, given: object, allowed: str) -> None:
        super().__init__(
            422,
            "value_unknown",
            f"{field} is {str(given)[:80]!r}, which is no answer here.",
            f"Allowed: {allowed}.",
        )


class TextTooLong(ApiError):
    def __init__(self, length: int) -> None:
        super().__init__(
            422, "text_too_long", f"The text has {length} characters.", f"Send at most {MAX_TEXT} characters."
        )


def check_value(kind: str, value: Value, *, question: Value, shown: Value) -> Value:
    """The value as it is stored. Raises ValueUnknown, which names the field and what it may be."""
    if kind == TAG:
        return {"tags": sorted(_check_members("value.tags", value, "tags", list(question["options"])))}
    if kind == COMPARE:
        return {"side": _check_one("value.side", value, "side", PREFERENCES)}
    if kind == PICK:
        return _check_picked(value, len(shown["replies"]))
    if kind == RATE:
        return {"score": _check_one("value.score", value, "score", SCORES)}
    if kind == REWRITE:
        return {"unchanged": _check_one("value.unchanged", value, "unchanged", (True, False))}
    return {"verdict": _check_one("value.verdict", value, "verdict", VERDICTS)}


def check_text(kind: str, value: Value, text: str | None) -> str | None:
    """The text of a label, which a rewritten reply has and nothing else."""
    is_asked = kind == REWRITE and not value["unchanged"]
    if text is not None and len(text) > MAX_TEXT:
        raise TextTooLong(len(text))
    if is_asked and not (text or "").strip():
        raise ValueUnknown("text", text, "what the reply should say, or value.unchanged true")
    if text is not None and not is_asked:
        raise ValueUnknown("text", text, "none with this value")
    return text


def answer_of(kind: str, value: Value) -> Answer:
    """What a value or an outcome says, as a word that can be counted and compared, without its text."""
    if kind == TAG:
        return frozenset(value["tags"])
    if kind == PICK:
        return frozenset(value.get("picked", ()))
    if kind == CHECK:
        return None if value["verdict"] == UNSURE else value["verdict"]
    said: Answer = value[FIELDS[kind]]
    return said


def value_of(kind: str, answer: Any) -> Value:
    """The value that says this answer."""
    if kind == TAG:
        return {"tags": sorted(answer)}
    if kind == PICK:
        return {"picked": sorted(answer)} if answer else {"none": True}
    if kind == CHECK:
        return {"verdict": UNSURE if answer is None else answer}
    return {FIELDS[kind]: answer}


def list_answers(kind: str, *, question: Value, shown: Value) -> list[Answer]:
    """All answers that are likely beforehand, in their order; of sets, those of at most one member."""
    if kind == TAG:
        return [frozenset(), *(frozenset((tag,)) for tag in question["options"])]
    if kind == PICK:
        return [frozenset(), *(frozenset((place,)) for place in range(len(shown["replies"])))]
    return list({COMPARE: PREFERENCES, RATE: SCORES, REWRITE: (True, False), CHECK: (GOOD, BAD)}[kind])


def order_replies(kind: str, shown: Value, seed: str) -> list[Any]:
    """The order in which one labeller sees the replies: the names of the sides, or the places of replies."""
    places: Sequence[Any] = ()
    if kind == COMPARE:
        places = SIDES
    if kind == PICK:
        places = range(len(shown["replies"]))
    return sorted(places, key=lambda place: hash_text(f"{seed}:{place}"))


def _check_one(field: str, value: Mapping[str, Any], name: str, allowed: Sequence[Any]) -> Any:
    _require_only(value, name)
    given = value.get(name)
    for each in allowed:  # True == 1: a score is no yes
        if type(given) is type(each) and given == each:
            return each
    raise ValueUnknown(field, given, ", ".join(str(each) for each in allowed))


def _check_members(field: str, value: Mapping[str, Any], name: str, allowed: Sequence[Any]) -> list[Any]:
    _require_only(value, name)
    given = value.get(name)
    known = {(type(each), each) for each in allowed}
    if not isinstance(given, list):
        raise ValueUnknown(field, given, "a list")
    for each in given:
        if not isinstance(each, str | int) or (type(each), each) not in known:
            raise ValueUnknown(field, each, "the options of the item's question")
    return list(dict.fromkeys(given))


def _check_picked(value: Mapping[str, Any], replies: int) -> Value:
    if "none" in value:
        _check_one("value.none", value, "none", (True,))
        return {"none": True}
    picked = _check_members("value.picked", value, "picked", range(replies))
    if not picked:
        raise ValueUnknown("value.picked", [], "one or more places of replies, or value.none true")
    return {"picked": sorted(picked)}


def _require_only(value: Mapping[str, Any], name: str) -> None:
    for other in value:
        if other != name:
            raise ValueUnknown(f"value.{str(other)[:40]}", value[other], f"value.{name} alone")
