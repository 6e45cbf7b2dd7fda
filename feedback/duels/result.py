"""The support rate of a closed duel. Pure: rounds and verdicts in, numbers out.

A round is one observation however many judged it: it goes to the contender whom more of its judges preferred,
and is tied where as many preferred either. Rounds whose judges all said "both bad" stand apart. Equal texts
are ties; they count as far as the judges came, or they would outweigh the rounds that nobody judged.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from feedback.experiments.sequential_tests import e_better, e_harm, find_band, wilson_interval
from feedback.store.duel_verdicts import Standing
from feedback.store.duels import EQUAL, LEFT_OUT, READY
from feedback.store.tables import DuelRound

WON, LOST, TIED, BOTH_BAD = "won", "lost", "tied", "both_bad"
AFTER_THE_FACT = "trained_on_it"


@dataclass
class Score:
    """Rounds or verdicts by what they say of the adapter."""

    won: int = 0
    lost: int = 0
    tied: int = 0
    both_bad: int = 0

    def add(self, outcome: str) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def counted(self) -> int:
        return self.won + self.lost + self.tied

    @property
    def rate(self) -> float | None:
        return (self.won + self.tied / 2) / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.won + self.tied / 2, self.counted)

    @property
    def band(self) -> str | None:
        return find_band(self.won + self.tied / 2, self.counted)


@dataclass
class Result:
    """`score` counts rounds; `judges` verdicts, each person's own. `equal` is the part of `tied` that nobody
    was asked about.
    """

    adapter: str
    rival: str | None
    score: Score = field(default_factory=Score)
    equal: int = 0
    unjudged: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    judges: dict[str, Score] = field(default_factory=dict)
    shared: int = 0  # rounds that two or more judged
    agreed: int = 0  # of these, the ones on which all said the same

    @property
    def band(self) -> str | None:
        return self.score.band

    def to_json(self) -> dict[str, Any]:
        low, high = self.score.interval
        return {
            "adapter": self.adapter,
            "rival": self.rival,
            "rate": self.score.rate,
            "low": low,
            "high": high,
            "band": self.band,
            "counted": self.score.counted,
            "won": self.score.won,
            "lost": self.score.lost,
            "tied": self.score.tied,
            "equal": self.equal,
            "both_bad": self.score.both_bad,
            "unjudged": self.unjudged,
            "left_out": dict(sorted(self.left_out.items())),
            "e_better": e_better(self.score.won, self.score.won + self.score.lost),
            "e_harm": e_harm(self.score.won, self.score.won + self.score.lost),
            "shared": self.shared,
            "agreed": self.agreed,
        }


def count_result(
    adapter: str,
    rival: str | None,
    rounds: Sequence[DuelRound],
    verdicts: Iterable[Standing],
    *,
    trained_until: datetime,
) -> Result:
    """`trained_until`: when the newest data of a contender was fixed. A verdict that is not younger may be
    in what it learnt, so it is no evidence about it.
    """
    result = Result(adapter, rival)
    said: dict[int, list[str]] = {}
    sides = {row.position: find_sides(row, adapter) for row in rounds}
    for verdict in verdicts:
        if verdict.at <= trained_until:
            result.left_out[AFTER_THE_FACT] += 1
            continue
        outcome = sides[verdict.position].get(verdict.verdict, BOTH_BAD)
        said.setdefault(verdict.position, []).append(outcome)
        result.judges.setdefault(verdict.judge, Score()).add(outcome)
    reached = find_reach(rounds, said)
    for row in rounds:
        if row.state == LEFT_OUT:
            result.left_out[row.reason or LEFT_OUT] += 1
        elif row.state == EQUAL and row.position <= reached:
            result.equal += 1
            result.score.add(TIED)
        elif row.state == READY and row.position in said:
            count_round(result, said[row.position])
        elif row.state == READY:
            result.unjudged += 1
    return result


def find_sides(row: DuelRound, adapter: str) -> dict[str, str]:
    """What each verdict means for the adapter; `both_bad` means nothing for either."""
    on_a = row.a_adapter == adapter
    return {"a": WON if on_a else LOST, "b": LOST if on_a else WON, "tie": TIED}


def find_reach(rounds: Sequence[DuelRound], said: dict[int, list[str]]) -> int:
    """The last round that judging, which goes in order, came to."""
    if all(row.position in said for row in rounds if row.state == READY):
        return max((row.position for row in rounds), default=0)
    return max(said, default=0)


def count_round(result: Result, outcomes: list[str]) -> None:
    result.score.add(decide_round(outcomes))
    if len(outcomes) > 1:
        result.shared += 1
        result.agreed += len(set(outcomes)) == 1


def decide_round(outcomes: list[str]) -> str:
    """Of one or more judges: the majority, a tie where there is none."""
    votes = Counter(outcomes)
    if votes[BOTH_BAD] == len(outcomes):
        return BOTH_BAD
    return WON if votes[WON] > votes[LOST] else LOST if votes[LOST] > votes[WON] else TIED
