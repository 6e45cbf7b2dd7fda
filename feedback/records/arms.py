"""Tells what a judged set says of the two arms, or of the two versions in it: who won, or why the set
compares nothing. Pure.

A set compares the arms if two replies of each were generated, all were ready, and both arms have equally many
different texts: an arm that repeats itself loses by arithmetic alone. A set of two versions compares those if
all four replies were ready: then each version has one.
"""

from feedback.records.candidate import BASE, BOTH, MERGED, READY, TUNED, UNAVAILABLE
from feedback.records.from_judgement import ShownSet
from feedback.records.schemas import ChoiceForm
from feedback.records.text import normalise

COUNTED_DESIGN = "2+2"
VERSIONS_DESIGN = "2+1+1"

OTHER_DESIGN = "other_design"
REPLY_UNAVAILABLE = "reply_unavailable"
UNEQUAL_TEXTS = "unequal_texts"
REPEATED = "repeated"  # the arms have unequally many texts, and tuned has fewer


def find_incomparable(shown: ShownSet) -> str | None:
    """Why a pick from this set says nothing about the arms (or the versions), or None when it does."""
    if shown.design not in (COUNTED_DESIGN, VERSIONS_DESIGN):
        return OTHER_DESIGN
    if any(reply.state == UNAVAILABLE for reply in shown.replies):
        return REPLY_UNAVAILABLE
    if shown.design == VERSIONS_DESIGN:
        return None
    base, tuned = count_texts(shown)
    if base == tuned:
        return None
    return REPEATED if tuned < base else UNEQUAL_TEXTS


def count_texts(shown: ShownSet) -> tuple[int, int]:
    """How many different texts base and tuned have on screen; a merged one is a text of both."""
    ready = [reply.arm for reply in shown.replies if reply.state == READY]
    return (sum(arm in (BASE, BOTH) for arm in ready), sum(arm in (TUNED, BOTH) for arm in ready))


def find_rival(shown: ShownSet) -> str | None:
    """The other version in a set of two versions; None if the set was judged before its replies came."""
    if shown.design != VERSIONS_DESIGN:
        return None
    names = {reply.adapter for reply in shown.replies} - {None, shown.adapter}
    return next(iter(names), None)


def find_winner(choice: ChoiceForm, shown: ShownSet) -> str:
    """The arm, or the version in a set of two, that a choice counts for; `both` get half each."""
    if shown.design == VERSIONS_DESIGN:
        versions = find_versions(choice, shown)
        return BASE if not versions else BOTH if len(versions) > 1 else versions.pop()
    arms = {choice.candidates[index].arm for index in choice.picked}
    return TUNED if arms == {TUNED} else BASE if arms == {BASE} else BOTH


def find_versions(choice: ChoiceForm, shown: ShownSet) -> set[str]:
    """The versions that wrote the text that was picked: of a merged reply there are several."""
    picked = {normalise(choice.candidates[index].text) for index in choice.picked}
    return {
        reply.adapter
        for reply in shown.replies
        if reply.adapter is not None
        and reply.state in (READY, MERGED)
        and normalise(reply.text or "") in picked
    }
