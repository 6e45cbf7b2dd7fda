"""The decision about an adapter that serves: hold it, let it go live, roll it back, retire it. Pure.

Default is to hold. Every limit that stands in the way is a reason with its value and limit; for a verdict
other than hold the reasons are the limits that were reached. Plain numbers come in (`measure.py` makes them
from picks), so that the same rule decides in the scheduler, on a page and in `python -m bench.gate`.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from feedback.experiments.sequential_tests import ENOUGH, picks_until
from feedback.experiments.tally import Tally

Verdict = Literal["hold", "go_live", "roll_back", "retire"]


class RolloutPolicy(BaseModel):
    """The limits of the decision, shares from 0 to 1. `python -m bench.gate` shows error rates and cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_e_better: FiniteFloat = Field(default=ENOUGH, gt=0)
    # e-value for a share above 50 % at which an adapter may go live; 20 errs for at most 5 % of adapters
    max_e_harm: FiniteFloat = Field(default=ENOUGH, gt=0)
    # evidence that agents prefer base, tastes allowed for, at which it is rolled back, however few they are
    confidence: FiniteFloat = Field(default=0.99, gt=0.5, lt=1)
    # confidence of both one-sided lower bounds, clustered by agent
    min_share_low: FiniteFloat = Field(default=0.5, ge=0, lt=1)
    # the lower bound of the raw share must lie above it: agents who merely differ in taste make no win
    min_adjusted_low: FiniteFloat = Field(default=0.5, ge=0, lt=1)
    # that of the adjusted share, too: a win that slot, length or style explain is none
    min_picks: int = Field(default=100, ge=0)
    # decided picks before an adapter may go live
    min_agents: int = Field(default=4, ge=1)
    # agents with decided picks before it may go live: three who differ in taste err a little too often
    retire_after: int = Field(default=1500, ge=1)
    # counted picks after which an adapter that is still undecided leaves


@dataclass(frozen=True)
class Evidence:
    """What the picks of one adapter say, with bounds at the policy's confidence; None where there is none."""

    adapter: str
    tally: Tally  # the adapter against base
    agents: int = 0
    e_harm: float = 0.0
    share_low: float | None = None
    adjusted: float | None = None
    adjusted_low: float | None = None

    def to_json(self) -> dict[str, Any]:
        fields, tally = dict(vars(self)), self.tally
        del fields["tally"]
        counts = {"tuned": tally.won, "base": tally.lost, "halves": tally.tied}
        return fields | counts | {"e_better": tally.e_better}


@dataclass(frozen=True)
class Reason:
    """Why a verdict: `value` missed the `limit`, or reached it where the verdict is not hold."""

    code: str
    text: str
    value: float | None
    limit: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Rollout:
    """The decision about an adapter. `picks_needed` is how many more picks bring the e-value and the number
    of picks to their limits at the present share; None if the adapter retires before. More agents may be
    needed too, as the reasons say.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    picks_needed: int | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def decide_rollout(evidence: Evidence, policy: RolloutPolicy) -> Rollout:
    """Decides about an adapter: harm first, then the win, then whether the most picks are used up."""
    if evidence.e_harm >= policy.max_e_harm:
        harm = round(evidence.e_harm, 4)
        proven = Reason("harm_proven", "agents prefer base, tastes allowed for", harm, policy.max_e_harm)
        return Rollout("roll_back", (proven,), 0)
    limits = check_win(evidence, policy)
    missing = tuple(limit.reason for limit in limits if not limit.is_reached)
    if not missing:
        return Rollout("go_live", tuple(limit.reason for limit in limits), 0)
    needed = count_needed(evidence, policy)
    if evidence.tally.counted >= policy.retire_after:
        spent = Reason("undecided", "no verdict in time", evidence.tally.counted, policy.retire_after)
        return Rollout("retire", (spent, *missing), needed)
    return Rollout("hold", missing, needed)


@dataclass(frozen=True)
class Threshold:
    """A limit and the verdict it leads to: `go_live` needs all of its own, the others any."""

    leads_to: Verdict
    reason: Reason
    is_reached: bool

    def to_json(self) -> dict[str, Any]:
        return {**self.reason.to_json(), "leads_to": self.leads_to, "reached": self.is_reached}


def check_win(evidence: Evidence, policy: RolloutPolicy) -> list[Threshold]:
    """All conditions for going live."""
    tally, better = evidence.tally, evidence.tally.e_better
    low, adjusted = evidence.share_low, evidence.adjusted_low

    def ask(code: str, text: str, value: float | None, limit: float, is_met: bool) -> Threshold:
        return Threshold("go_live", Reason(code, text, value, limit), is_met)

    picks, agents, least = policy.min_picks, policy.min_agents, policy.min_e_better
    above, above_adjusted = policy.min_share_low, policy.min_adjusted_low
    bound, stripped = "lower bound of the share", "with slot, length and style taken out"
    return [
        ask("picks", "picks that decide", tally.decided, picks, tally.decided >= picks),
        ask("agents", "agents who picked", evidence.agents, agents, evidence.agents >= agents),
        ask("e_value", "evidence for a share above one half", round(better, 4), least, better >= least),
        ask("share_low", f"{bound}, clustered by agent", low, above, low is not None and low > above),
        ask(
            "adjusted_low",
            f"{bound} {stripped}",
            adjusted,
            above_adjusted,
            adjusted is not None and adjusted > above_adjusted,
        ),
    ]


def list_thresholds(evidence: Evidence, policy: RolloutPolicy) -> list[Threshold]:
    """Every limit of the decision, those of a win first."""
    harm, counted = round(evidence.e_harm, 4), evidence.tally.counted
    proven = Reason("harm_proven", "evidence for harm, tastes allowed for", harm, policy.max_e_harm)
    spent = Reason("undecided", "counted picks without a verdict", counted, policy.retire_after)
    return [
        *check_win(evidence, policy),
        Threshold("roll_back", proven, evidence.e_harm >= policy.max_e_harm),
        Threshold("retire", spent, counted >= policy.retire_after),
    ]


def count_needed(evidence: Evidence, policy: RolloutPolicy) -> int | None:
    tally = evidence.tally
    if tally.won <= tally.lost:
        return None
    more = picks_until(tally.won, tally.decided, limit=policy.min_e_better)
    if more is None:
        return None
    needed = max(more, policy.min_picks - tally.decided)
    # Shared picks come in between as often as they did so far.
    last = tally.counted + needed * tally.counted / tally.decided
    return needed if last <= policy.retire_after else None
