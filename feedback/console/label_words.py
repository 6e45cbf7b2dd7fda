"""The words for tasks, labels and what they come to, as pages about labels say them."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from feedback.labelling.agreement import FIRM, NO_TAG, UNCLEAR, USABLE, Confusion
from feedback.labelling.kinds import CHECK
from feedback.records.from_label import COMPARE, PICK, RATE, REWRITE, TAG

KINDS = {
    TAG: _("choose tags"),
    COMPARE: _("compare two replies"),
    PICK: _("pick the good replies"),
    RATE: _("rate a reply"),
    REWRITE: _("rewrite a reply"),
    CHECK: _("check an answer"),
}
TIERS = {0: _("customers"), 1: _("labellers and agents"), 2: _("experts")}
STATES = {"draft": _("draft"), "open": _("being labelled"), "paused": _("paused"), "closed": _("closed")}
PREFERENCE_WORDS = {"a": _("A is better"), "b": _("B is better"), "tie": _("tie"), "both_bad": _("both bad")}
VERDICTS = {"good": _("right"), "bad": _("wrong"), "unsure": _("could not tell")}
GRADES = {
    FIRM: _("firm"),
    USABLE: _("usable"),
    UNCLEAR: _("the guideline does not separate these yet"),
}
DAY = 24
KIND_OF = {
    "tags": TAG,
    "side": COMPARE,
    "picked": PICK,
    "none": PICK,
    "score": RATE,
    "unchanged": REWRITE,
    "verdict": CHECK,
}


def label_value_words(kind: str, value: Mapping[str, Any]) -> str:
    """What a label says."""
    if kind == TAG:
        return gettext(", ").join(value["tags"]) or str(gettext("none of them"))
    if kind == COMPARE:
        return str(PREFERENCE_WORDS[value["side"]])
    if kind == PICK:
        places = gettext(", ").join(str(place + 1) for place in value.get("picked", ()))
        return str(gettext("reply %(places)s", places=places) if places else gettext("none of them"))
    if kind == RATE:
        return str(gettext("%(score)s of 5", score=value["score"]))
    if kind == REWRITE:
        return str(gettext("as it is") if value["unchanged"] else gettext("rewritten"))
    return str(VERDICTS[value["verdict"]])


def claim_words(value: Mapping[str, Any]) -> str:
    """What a checked value says: its field tells of which kind it is."""
    return label_value_words(next(KIND_OF[name] for name in value if name in KIND_OF), value)


def answer_words(kind: str, answer: Any) -> str:
    """One side of a confusion: of tags and picks a single one, and nothing where the other gave one more."""
    if answer == NO_TAG:
        return str(gettext("nothing"))
    if kind == PICK:
        return str(gettext("reply %(places)s", places=answer + 1))
    words: Mapping[str, Mapping[Any, Any]] = {COMPARE: PREFERENCE_WORDS, CHECK: VERDICTS}
    return str(words.get(kind, {}).get(answer, answer))


def confusion_words(kind: str, worst: Confusion) -> str:
    return str(
        gettext(
            "%(one)s / %(other)s: %(count)s of %(differences)s differences",
            one=answer_words(kind, worst.one),
            other=answer_words(kind, worst.other),
            count=worst.count,
            differences=worst.differences,
        )
    )


def duration_words(hours: float) -> str:
    """A time that is left, to the hour or the day."""
    if hours < 1:
        return str(gettext("less than an hour"))
    if hours <= 2 * DAY:
        return str(ngettext("%(num)s hour", "%(num)s hours", ceil(hours)))
    return str(ngettext("%(num)s day", "%(num)s days", ceil(hours / DAY)))


# What the templates of such pages call `words`.
PAGE_WORDS = {
    "KINDS": KINDS,
    "TIERS": TIERS,
    "STATES": STATES,
    "GRADES": GRADES,
    "value_words": label_value_words,
    "claim_words": claim_words,
    "confusion_words": confusion_words,
    "duration_words": duration_words,
}
