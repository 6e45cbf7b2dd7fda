"""What a made prompt must keep, so that the replies still answer it: its language, its numbers, ids and
turning words, and enough of its letters. Each refusal has a name, which the build counts.

That a child is no twin of any record but its parent, the build itself finds out (datasets/children.py).
"""

import re
from collections import Counter

from feedback.records.distance import FAR, NEAR, edit_distance
from feedback.records.language import find_writing, is_other
from feedback.records.meaning import read_tokens

UNCHANGED, LANGUAGE, FACTS = "made_unchanged", "made_language", "made_facts"
UNWRITTEN, UNFIT = "made_unwritten", "made_unfit"
CLOSE, APART, TWIN = "made_close", "made_apart", "made_twin"
# Words with a digit, and addresses.
REFERENCE = re.compile(r"[^\s,，。;；!?！？]*[\d@/][^\s,，。;；!?！？]*")


def refuse_wording(before: str, after: str | None) -> str | None:
    """Why one message cannot stand for the other; None if it can."""
    if after is None or after == before:
        return UNCHANGED
    wanted, given = find_writing(before), find_writing(after)
    if wanted is not None and (given is None or is_other(wanted, given)):
        return LANGUAGE
    if list_facts(before) != list_facts(after):
        return FACTS
    distance = edit_distance(before, after)
    if distance < NEAR:
        return CLOSE
    return APART if distance > FAR else None


def list_facts(text: str) -> Counter[str]:
    """The numbers, ids and addresses of a message, and the words that turn it, each as often as it stands."""
    references = (found.rstrip(".:") for found in REFERENCE.findall(text))
    return Counter(references) + Counter(token.form for token in read_tokens(text) if token.weighs)
