"""How far the adapter's replies are from base's to the same prompts, and which are copies of the question.

Pure text. What a base finds implausible, and how far probabilities moved, needs a model: see replies.py and
replay.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from feedback.records.distance import edit_distance, tidy

MIN_COPY = 12  # least characters of a copy in Latin script: shorter ones may be the name of a thing
MIN_COPY_HAN = 6  # a Chinese character says about twice as much


@dataclass(frozen=True)
class Drift:
    """`edit_distance`: mean over couples, 0 (equal) to 1. `same`: share of couples with equal texts."""

    edit_distance: float
    same: float


def measure_drift(base: Sequence[str], tuned: Sequence[str]) -> Drift:
    """Compares the replies of base and adapter to the same prompts, in the same order; at least one."""
    distances = [edit_distance(left, right) for left, right in zip(base, tuned, strict=True)]
    return Drift(
        edit_distance=sum(distances) / len(distances),
        same=sum(distance == 0.0 for distance in distances) / len(distances),
    )


def find_copied_share(text: str, messages: Iterable[Mapping[str, str]]) -> float:
    """The longest part of the reply that is copied from a message of the customer, as a share of the reply.

    Short copies (an order number, the name of a thing) count 0: a good reply repeats them.
    """
    reply = tidy(text).casefold()
    longest = 0
    for message in messages:
        if message["role"] == "user":
            said = tidy(message["content"]).casefold()
            match = SequenceMatcher(None, said, reply, autojunk=False).find_longest_match()
            run = reply[match.b : match.b + match.size]
            if match.size >= (MIN_COPY_HAN if _has_han(run) else MIN_COPY):
                longest = max(longest, match.size)
    return longest / len(reply) if reply else 0.0


def _has_han(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)
