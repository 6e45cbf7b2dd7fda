"""The facts from which advice is made, and the numbers that it goes by. Plain values; docs/advice.md tells
every number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from feedback.experiments.sequential_tests import MARKED, NOT_ENOUGH, SUCCESS, Z95, wilson_interval
from feedback.experiments.tally import Tally

ORDINARY = 1_000  # examples for an ordinary task
NEW_TASK = 10_000  # and for a task that the base does not know at all; up to twice as many
FEWEST_EDITS = 20  # below so many edits nothing is said about what they change
FEWEST_JUDGED = 50  # and below so many judgements nothing about what the base can do, or about places
EDITED = 0.2  # share of closed sets that were edited, from which on the form is worth a prompt
FORM_ALONE = 0.5  # of the edits read: the lower bound of the share that changes the form alone
FAILS = 0.5  # of the replies: the lower bound of the share written by hand or called not good
KNOWS_NOTHING = 0.8  # the same share, from which on a task is a new one
PLACE = 3.0  # times the odds by chance of the first card: the lower bound of its share of picks
WITHIN = 0.05  # half the width of the interval that a share of a tag is told to
RARE_TAG = 0.05  # of the rows of the most frequent tag: rarer ones are not asked for
NO_GAIN = 0.005  # nats per held-out choice: a run that gains less than this on the one before gained nothing
NEAR_LIMIT = 0.5  # of the policy's limit: the drift on the replay set from which on a rise counts


def picks_within(half: float) -> int:
    """How many picks tell a share, whatever it is, to within `half` by Wilson's interval, which is widest at
    one half: z / (2 sqrt(n + z²)) <= half.
    """
    return math.ceil(Z95**2 * (1 / (4 * half**2) - 1))


@dataclass(frozen=True)
class RunFigures:
    """What a run that trained came to. None: not measured."""

    id: str
    gain: float | None = None  # nats per held-out choice by which it beats the base
    replay_kl: float | None = None


@dataclass(frozen=True)
class Served:
    """The live adapter with its picks."""

    name: str
    tally: Tally


@dataclass(frozen=True)
class PickPlaces:
    """The picks of sets whose place is known: how many took the first card, how many chance would give."""

    picks: int = 0
    first: int = 0
    fair: float = 0.0


class Failures(NamedTuple):
    """What the base could not do, and of how many. `code` is that of its sentence."""

    code: str
    part: int
    whole: int


@dataclass(frozen=True)
class DeskFacts:
    """`kinds` and `edits` are of the time since the system prompt was changed last; `usable` and `texts` of
    all time; `runs` oldest first.
    """

    kinds: Mapping[str, int] = field(default_factory=dict)  # judgements that nobody took back
    edits: int = 0  # whose texts were read
    forms: Mapping[str, int] = field(default_factory=dict)  # of these, the form alone was changed
    usable: int = 0  # choices and pairs that can be learnt from
    fresh: int = 0  # since the last run that trained
    min_fresh: int = 50
    texts: int = 0  # that people wrote: edits, own replies, rewrites, replies in imported conversations
    thumbs: int = 0  # of all time
    tags: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # rows, and of these usable records
    places: PickPlaces = PickPlaces()
    runs: Sequence[RunFigures] = ()
    max_replay_kl: float = 0.2
    served: Served | None = None

    @property
    def closed(self) -> int:
        return sum(self.kinds.get(kind, 0) for kind in ("pick", "edit", "own", "tie"))

    @property
    def failures(self) -> Failures:
        """Own replies among closed sets, or judgements that no suggestion was good, whichever is the larger
        share. An own reply often follows a "none", so they are not added.
        """
        own, none = self.kinds.get("own", 0), self.kinds.get("none", 0)
        by_hand = Failures("written_by_hand", own, self.closed)
        not_good = Failures("none_good", none, self.closed + none)
        return max(by_hand, not_good, key=lambda found: found.part / found.whole if found.whole else 0.0)

    @property
    def is_better(self) -> bool:
        """Whether what is live is better than the base, as the morning's sentence says it."""
        return self.served is not None and self.served.tally.grade in (NOT_ENOUGH, SUCCESS, MARKED)


def low_end(part: int, whole: int) -> float:
    """The lower end of the 95 % interval of a share."""
    return wilson_interval(part, whole)[0]
