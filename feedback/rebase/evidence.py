"""What the closed duels of a rebase prove, by the limits of the policy. Pure but for `read_evidence_of`.

`[exposure]` holds: rounds count as picks, judges as agents. Its bound with length and style taken out has no
counterpart in a duel.
"""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

from sqlmodel import Session

from feedback.duels.read import read_result
from feedback.duels.result import Result
from feedback.errors import Conflict
from feedback.experiments.rollout_rule import Evidence, RolloutPolicy, Threshold, check_win
from feedback.experiments.sequential_tests import wilson_end
from feedback.experiments.tally import Tally
from feedback.store import duels
from feedback.store.rebases import NEW_BASE, NEW_TUNED
from feedback.store.tables import Rebase

NOT_MEASURED = "adjusted_low"
# The adapter first: where both are proven, it is what the desk has learnt.
PREFERRED = (NEW_TUNED, NEW_BASE)
SAID = {"picks": "rounds that decide", "agents": "judges", "share_low": "lower bound of the share of rounds"}

Limits = Mapping[str, Sequence[Threshold]]


class NotProven(Conflict):
    def __init__(self, limits: Limits) -> None:
        told = "; ".join(f"{arm}: {', '.join(map(describe_limit, each))}" for arm, each in limits.items())
        super().__init__(
            "rebase_not_proven",
            "Nothing proves the new base better than what serves"
            + (f" ({told})." if told else ": no comparison is closed."),
            "`rejoinder rebase compare` makes a comparison, `--more` another one; judge it in the console "
            "and close it.",
        )


def read_limits(
    session: Session, rebase: Rebase, policy: RolloutPolicy, *, old: str | None
) -> dict[str, list[Threshold]]:
    """Every limit of each arm that has a closed duel against what serves now, `old`."""
    closed: dict[str, list[Result]] = {}
    for duel in duels.list_rebase_duels(session, rebase_id=rebase.id):
        if duel.state == duels.CLOSED and duel.rival == old and duel.arm is not None:
            closed.setdefault(duel.arm, []).append(read_result(session, duel))
    return {arm: list_duel_limits(results, policy) for arm, results in sorted(closed.items(), reverse=True)}


def list_duel_limits(results: Sequence[Result], policy: RolloutPolicy) -> list[Threshold]:
    """The limits over all duels of an arm together: looking again with more rounds needs no correction."""
    tally = Tally(
        won=sum(one.score.won for one in results),
        lost=sum(one.score.lost for one in results),
        tied=sum(one.score.tied for one in results),
    )
    judges = {judge for one in results for judge in one.judges}
    low = bound_share(tally, policy.confidence)
    evidence = Evidence("", tally, agents=len(judges), share_low=low)
    return [limit for limit in check_win(evidence, policy) if limit.reason.code != NOT_MEASURED]


def bound_share(tally: Tally, confidence: float) -> float | None:
    """The one-sided lower end of Wilson's interval of the share of rounds, ties as halves."""
    if tally.rate is None:
        return None
    return float(wilson_end(tally.rate, tally.counted, z=-NormalDist().inv_cdf(confidence)))


def choose_arm(limits: Limits) -> str:
    """The arm whose limits are all reached. Raises NotProven."""
    for arm in PREFERRED:
        found = limits.get(arm, ())
        if found and all(limit.is_reached for limit in found):
            return arm
    raise NotProven(limits)


def describe_limit(limit: Threshold) -> str:
    reason = limit.reason
    value = "unknown" if reason.value is None else f"{reason.value:.4g}"
    return f"{SAID.get(reason.code, reason.text)} {value} (limit {reason.limit:g})"


def show_limits(limits: Limits) -> dict[str, Any]:
    return {arm: [limit.to_json() for limit in each] for arm, each in limits.items()}
