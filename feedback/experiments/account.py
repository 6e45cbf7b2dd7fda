"""All that the picks of one adapter say, as its page and programs see it: rate, bounds, and what explains
them. Reads the store in short transactions.

Imports numpy and scipy where they are needed, so the web may import it anywhere.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from feedback.experiments.picks import read_picks
from feedback.experiments.rollout_rule import ExposurePolicy
from feedback.experiments.support import Support, support_of
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK

if TYPE_CHECKING:
    from feedback.experiments.measure import Measured


@dataclass(frozen=True)
class Account:
    """`support` counts every judgement on the adapter's sets, `measured` the picks that count among them.

    One-sided lower bounds are at `confidence`; the interval of `support` is Wilson's at 95 %.
    """

    support: Support
    measured: "Measured"
    confidence: float

    @property
    def share(self) -> float | None:
        """Of the picks that decide: merged texts and ties across the arms left out."""
        decided = self.support.decided
        return self.support.tuned / decided if decided else None

    def to_json(self) -> dict[str, Any]:
        measured, evidence = self.measured, self.measured.evidence
        adjusted = None
        if measured.adjusted is not None:
            shown = vars(measured.adjusted)
            coefficients = {name: vars(value) for name, value in shown["coefficients"].items()}
            adjusted = {**shown, "coefficients": coefficients, "low": evidence.adjusted_low}
        return {
            "adapter": self.support.adapter,
            "confidence": self.confidence,
            "support": self.support.to_json(),
            "share": self.share,
            "share_low": evidence.share_low,
            "agents": evidence.agents,
            "adjusted": adjusted,
            "length_difference": measured.length_difference,
            "without_agent": [vars(without) for without in measured.without_agent],
            "breakdown": measured.breakdown.to_json(),
        }


def read_account(
    store_engine: Engine, adapter: str, *, policy: ExposurePolicy, desk_id: str = DEFAULT_DESK
) -> Account:
    """Counts and fits of everything that was judged on the adapter's sets."""
    from feedback.experiments.measure import measure_picks  # numpy and scipy

    with read(store_engine) as session:
        support = support_of(session, adapter, desk_id=desk_id)
    picks = read_picks(store_engine, adapter, desk_id=desk_id, with_experience=True)
    return Account(support, measure_picks(adapter, picks, policy), policy.confidence)
