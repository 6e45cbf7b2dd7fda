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


class ExposurePolicy(BaseModel):
    """The limits of the decision; shares lie between 0 and 1. `python -m bench.gate` shows their error rates
    and cost.
    """

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
    """What the picks of one adapter say. Bounds are at the policy's confidence; None means that there is
    none.
    """

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
    """A reason for a verdict: `value` missed the `limit`, or reached it for a verdict other than hold. The
    offline gate has reasons of this form too.
    """

    code: str
    text: str
    value: float | None
    limit: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Exposure:
    """The decision about an adapter. `picks_needed` is how many more picks bring the e-value and the number
    of picks to their limits at the present share; None if the adapter retires before. More agents may be
    needed too, as the reasons say.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    picks_needed: int | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def decide_exposure(evidence: Evidence, policy: ExposurePolicy) -> Exposure:
    """Decides about an adapter: harm is tested first, then the win, then whether the most picks are used up.
    For a live adapter only harm is tested.
    """
    if evidence.e_harm >= policy.max_e_harm:
        harm = round(evidence.e_harm, 4)
        proven = Reason("harm_proven", "agents prefer base, tastes allowed for", harm, policy.max_e_harm)
        return Exposure("roll_back", (proven,), 0)
    checks = check_win(evidence, policy)
    missing = tuple(reason for reason, is_met in checks if not is_met)
    if not missing:
        return Exposure("go_live", tuple(reason for reason, _ in checks), 0)
    needed = count_needed(evidence, policy)
    if evidence.tally.counted >= policy.retire_after:
        spent = Reason("undecided", "no verdict in time", evidence.tally.counted, policy.retire_after)
        return Exposure("retire", (spent, *missing), needed)
    return Exposure("hold", missing, needed)


def check_win(evidence: Evidence, policy: ExposurePolicy) -> list[tuple[Reason, bool]]:
    """All conditions for going live, each with whether it holds."""
    better = evidence.tally.e_better
    low, adjusted = evidence.share_low, evidence.adjusted_low
    return [
        (
            Reason("picks", "picks that decide", evidence.tally.decided, policy.min_picks),
            evidence.tally.decided >= policy.min_picks,
        ),
        (
            Reason("agents", "agents who picked", evidence.agents, policy.min_agents),
            evidence.agents >= policy.min_agents,
        ),
        (
            Reason("e_value", "evidence for a share above one half", round(better, 4), policy.min_e_better),
            better >= policy.min_e_better,
        ),
        (
            Reason("share_low", "lower bound of the share, clustered by agent", low, policy.min_share_low),
            low is not None and low > policy.min_share_low,
        ),
        (
            Reason(
                "adjusted_low",
                "lower bound of the share with slot, length and style taken out",
                adjusted,
                policy.min_adjusted_low,
            ),
            adjusted is not None and adjusted > policy.min_adjusted_low,
        ),
    ]


@dataclass(frozen=True)
class Threshold:
    """One limit and the verdict it leads to. For `go_live` all limits must be reached; each of the others
    suffices by itself.
    """

    leads_to: Verdict
    reason: Reason
    is_reached: bool

    def to_json(self) -> dict[str, Any]:
        return {**self.reason.to_json(), "leads_to": self.leads_to, "reached": self.is_reached}


def list_thresholds(evidence: Evidence, policy: ExposurePolicy) -> list[Threshold]:
    """Every limit of the decision, those of a win first."""
    harm, counted = round(evidence.e_harm, 4), evidence.tally.counted
    leaving = (
        Threshold(
            "roll_back",
            Reason("harm_proven", "evidence for harm, tastes allowed for", harm, policy.max_e_harm),
            evidence.e_harm >= policy.max_e_harm,
        ),
        Threshold(
            "retire",
            Reason("undecided", "counted picks without a verdict", counted, policy.retire_after),
            counted >= policy.retire_after,
        ),
    )
    return [*(Threshold("go_live", reason, met) for reason, met in check_win(evidence, policy)), *leaving]


def count_needed(evidence: Evidence, policy: ExposurePolicy) -> int | None:
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
