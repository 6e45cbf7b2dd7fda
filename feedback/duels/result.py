"""Computes the support rate of a closed duel. Pure: rounds and verdicts in, numbers out.

A round is one observation, however many people judged it: it goes to the contender that more of its judges
preferred, and is tied if both have equally many. Rounds whose judges all said "both bad" are counted
separately. Equal texts are ties, counted only up to the last round that judging has reached: otherwise they
would outweigh the rounds that nobody judged.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedback.experiments.tally import Tally
from feedback.store.duel_rounds import EQUAL, LEFT_OUT, READY, Round
from feedback.store.duel_verdicts import ActiveVerdict

WON, LOST, TIED, BOTH_BAD = "won", "lost", "tied", "both_bad"
AFTER_THE_FACT = "trained_on_it"


@dataclass(frozen=True)
class DuelTally(Tally):
    """Numbers of rounds, or of verdicts, by their outcome for the adapter."""

    both_bad: int = 0


@dataclass(frozen=True)
class Result:
    """The result of a duel. `score` counts rounds, `judges` counts each person's verdicts. `equal` is the
    part of `tied` that was never judged because the texts are equal.
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
    rounds: Sequence[Round],
    verdicts: Iterable[ActiveVerdict],
    *,
    trained_until: datetime,
    arm: str | None = None,
) -> Result:
    """Counts the result for the adapter, or for the arm of a rebase. `trained_until` is when the newest data
    of a contender was fixed: a verdict that is not newer may be in its training data, so it is no evidence.
    """
    left_out: Counter[str] = Counter(row.reason or LEFT_OUT for row in rounds if row.state == LEFT_OUT)
    said: defaultdict[int, list[str]] = defaultdict(list)
    judges: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sides = {row.position: find_meanings(row, adapter, arm) for row in rounds}
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


def find_meanings(row: Round, adapter: str, arm: str | None) -> dict[str, str]:
    """The outcome of each verdict for the adapter; `both_bad` favours neither side."""
    on_a = is_measured_on_a(row.a_adapter, row.a_arm, adapter, arm)
    return {"a": WON if on_a else LOST, "b": LOST if on_a else WON, "tie": TIED}


def is_measured_on_a(a_adapter: str | None, a_arm: str | None, adapter: str, arm: str | None) -> bool:
    """Whether the side whose rate is measured is A. An arm tells two bases apart, an adapter does not."""
    return a_adapter == adapter if arm is None else a_arm == arm


def find_reach(rounds: Sequence[Round], said: dict[int, list[str]]) -> int:
    """The position of the last round that judging has reached; rounds are judged in order."""
    if all(row.position in said for row in rounds if row.state == READY):
        return max((row.position for row in rounds), default=0)
    return max(said, default=0)


def decide_round(outcomes: list[str]) -> str:
    """The outcome of a round: the majority of its judges, or a tie if there is none."""
    votes = Counter(outcomes)
    if votes[BOTH_BAD] == len(outcomes):
        return BOTH_BAD
    return WON if votes[WON] > votes[LOST] else LOST if votes[LOST] > votes[WON] else TIED
