"""The support rate of a closed duel. Pure: rounds and verdicts in, numbers out.

A round is one observation however many judged it: it goes to the contender whom more of its judges preferred,
and is tied where as many preferred either. Rounds whose judges all said "both bad" stand apart. Equal texts
are ties; they count as far as the judges came, or they would outweigh the rounds that nobody judged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.experiments.tally import Tally
from feedback.store.duel_verdicts import StandingVerdict
from feedback.store.duels import EQUAL, LEFT_OUT, READY
from feedback.store.tables import DuelRound

WON, LOST, TIED, BOTH_BAD = "won", "lost", "tied", "both_bad"
AFTER_THE_FACT = "trained_on_it"


@dataclass(frozen=True)
class DuelTally(Tally):
    """Rounds or verdicts by what they say of the adapter."""

    both_bad: int = 0


@dataclass(frozen=True)
class Result:
    """`score` counts rounds; `judges` verdicts, each person's own. `equal` is the part of `tied` that nobody
    was asked about.
    """

    adapter: str
    rival: str | None
    score: DuelTally
    equal: int
    unjudged: int
    left_out: Counter[str]
    judges: dict[str, DuelTally]
    shared: int  # rounds that two or more judged
    agreed: int  # of these, the ones on which all said the same

    def to_json(self) -> dict[str, Any]:
        return {
            "adapter": self.adapter,
            "rival": self.rival,
            **self.score.to_json(),
            "equal": self.equal,
            "both_bad": self.score.both_bad,
            "unjudged": self.unjudged,
            "left_out": dict(sorted(self.left_out.items())),
            "e_better": self.score.e_better,
            "e_harm": self.score.e_harm,
            "shared": self.shared,
            "agreed": self.agreed,
        }


def count_result(
    adapter: str,
    rival: str | None,
    rounds: Sequence[DuelRound],
    verdicts: Iterable[StandingVerdict],
    *,
    trained_until: datetime,
) -> Result:
    """`trained_until`: when the newest data of a contender was fixed. A verdict that is not younger may be
    in what it learnt, so it is no evidence about it.
    """
    left_out: Counter[str] = Counter(row.reason or LEFT_OUT for row in rounds if row.state == LEFT_OUT)
    said: defaultdict[int, list[str]] = defaultdict(list)
    judges: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sides = {row.position: find_meanings(row, adapter) for row in rounds}
    for verdict in verdicts:
        if verdict.at <= trained_until:
            left_out[AFTER_THE_FACT] += 1
            continue
        outcome = sides[verdict.position].get(verdict.verdict, BOTH_BAD)
        said[verdict.position].append(outcome)
        judges[verdict.judge][outcome] += 1
    ready = [row.position for row in rounds if row.state == READY]
    judged = [said[position] for position in ready if position in said]
    reached = find_reach(rounds, said)
    equal = sum(row.state == EQUAL and row.position <= reached for row in rounds)
    shared = [outcomes for outcomes in judged if len(outcomes) > 1]
    return Result(
        adapter,
        rival,
        score=DuelTally(**Counter([TIED] * equal + [decide_round(outcomes) for outcomes in judged])),
        equal=equal,
        unjudged=len(ready) - len(judged),
        left_out=left_out,
        judges={judge: DuelTally(**outcomes) for judge, outcomes in judges.items()},
        shared=len(shared),
        agreed=sum(len(set(outcomes)) == 1 for outcomes in shared),
    )


def find_meanings(row: DuelRound, adapter: str) -> dict[str, str]:
    """What each verdict means for the adapter; `both_bad` means nothing for either."""
    on_a = row.a_adapter == adapter
    return {"a": WON if on_a else LOST, "b": LOST if on_a else WON, "tie": TIED}


def find_reach(rounds: Sequence[DuelRound], said: dict[int, list[str]]) -> int:
    """The last round that judging, which goes in order, came to."""
    if all(row.position in said for row in rounds if row.state == READY):
        return max((row.position for row in rounds), default=0)
    return max(said, default=0)


def decide_round(outcomes: list[str]) -> str:
    """Of one or more judges: the majority, a tie where there is none."""
    votes = Counter(outcomes)
    if votes[BOTH_BAD] == len(outcomes):
        return BOTH_BAD
    return WON if votes[WON] > votes[LOST] else LOST if votes[LOST] > votes[WON] else TIED
