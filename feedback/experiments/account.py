"""All that the picks of one adapter say, as its page and programs see it: rate, bounds, and what explains
them. Reads the store in short transactions.

Imports numpy and scipy where they are needed, so the web may import it anywhere.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from feedback.experiments.picks import CountedPick, derive_pick
from feedback.experiments.rollout_rule import ExposurePolicy
from feedback.experiments.support import Support, count_judgements
from feedback.store.choices import JudgedSet, Key, iterate_judged, list_closings
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
    """Reads what was judged on the adapter's sets, and of all others only when their agents closed them."""
    from feedback.experiments.measure import measure_picks  # numpy and scipy

    support = Support(adapter)
    closings = list_closings(store_engine, desk_id=desk_id)
    judged_sets = iterate_judged(store_engine, desk_id=desk_id, adapter=adapter, with_tokens=False)
    picks = list_picks(support, judged_sets, closings)
    return Account(support, measure_picks(adapter, picks, policy), policy.confidence)


def list_picks(
    support: Support, judged_sets: Iterable[JudgedSet], closings: Mapping[str | None, Sequence[Key]]
) -> Iterator[CountedPick]:
    """The picks that count; every judgement is counted into `support` on the way."""
    for judged, shown in judged_sets:
        count_judgements(support, [(judged, shown)])
        closed = bisect_left(closings.get(judged.agent, ()), (judged.at, judged.id))
        pick = derive_pick(judged, shown, experience=closed)
        if pick is not None:
            yield pick
