"""Which outcomes of items say what another record of their conversation says already.

People who label a judged set, or an imported record, agree with it or not. Where they agree, the evidence
would count twice: once as it came, once as an outcome. So an outcome all of whose preferences one other
record of its conversation has is a copy of that record; of two outcomes that say the same the first stays.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from feedback.datasets.collect import Collected
from feedback.duplicates.copies import (
    Flags,
    read_choice_statement,
    read_pair_statement,
    read_text_statement,
    read_thumb_statement,
)
from feedback.records.from_judgement import LABEL

STATE = {
    "choices": read_choice_statement,
    "pairs": read_pair_statement,
    "thumbs": read_thumb_statement,
    "texts": read_text_statement,
}


class SaidOf(NamedTuple):
    """What one record says of its conversation, and where it waits: its form and place there."""

    form: str
    place: int
    source: str
    preferences: frozenset[int]


class Repeats:
    """Notes what is said of the conversations that were labelled; all others are passed over."""

    def __init__(self, conversations: Collection[str]) -> None:
        self.conversations = conversations
        self.said: dict[str, list[SaidOf]] = defaultdict(list)

    def note(self, form: str, place: int, item: Collected) -> None:
        """Notes a record. What people label is shown without personal data, so a record that has any says
        the same with it and without.
        """
        conversation, source = item.weight_input.conversation, item.record["source"]
        if conversation not in self.conversations:
            return
        preferences = {preferred for preferred, _ in item.statement.preferences}
        if source != LABEL:
            preferences |= {preferred for preferred, _ in STATE[form](item.record, None).preferences}
        self.said[conversation].append(SaidOf(form, place, source, frozenset(preferences)))

    def find(self, left: Mapping[str, Flags]) -> Iterator[tuple[SaidOf, SaidOf]]:
        """The outcomes that are copies, each with the record that stays. `left`: by form, what is no copy."""
        for said in self.said.values():
            stays = [one for one in said if left[one.form][one.place] and one.source != LABEL]
            for one in said:
                if one.source != LABEL or not left[one.form][one.place]:
                    continue
                other = next((other for other in stays if one.preferences <= other.preferences), None)
                if other is None:
                    stays.append(one)
                else:
                    yield one, other
