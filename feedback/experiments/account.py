"""All that the picks of one adapter say, as its page and programs see it: counts as they stand, and what the
trainer fitted to them last.
"""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from feedback.experiments.support import Support, support_of
from feedback.store.fits import find_fit
from feedback.store.tables import DEFAULT_DESK, Fit

BASIS = "basis"  # what the fit was made of: its counts and confidence
NOTHING_FITTED: dict[str, Any] = {
    "share_low": None,
    "agents": None,
    "adjusted": None,
    "length_difference": None,
    "without_agent": [],
    "breakdown": {},
}


@dataclass(frozen=True)
class Account:
    """`support` counts every judgement on the adapter's sets. One-sided lower bounds are at `confidence`; the
    interval of `support` is Wilson's at 95 %.
    """

    support: Support
    fit: Fit | None
    confidence: float

    @property
    def share(self) -> float | None:
        """Of the picks that decide: merged texts and ties across the arms left out."""
        decided = self.support.decided
        return self.support.tuned / decided if decided else None

    def to_json(self) -> dict[str, Any]:
        value = self.fit.value if self.fit else {}
        return {
            "adapter": self.support.adapter,
            "confidence": self.confidence,
            "support": self.support.to_json(),
            "share": self.share,
            **NOTHING_FITTED,
            **{name: kept for name, kept in value.items() if name != BASIS},
            "fitted_at": self.fit.at if self.fit else None,
            "fitted_judgements": self.fit.judgements if self.fit else None,
        }


def read_account(
    session: Session, adapter: str, *, confidence: float, desk_id: str = DEFAULT_DESK
) -> Account:
    """`confidence` is the policy's, shown until something is fitted; then that of the fit."""
    support = support_of(session, adapter, desk_id=desk_id)
    fit = find_fit(session, desk_id=desk_id, adapter=adapter)
    return Account(support, fit, fit.value[BASIS]["confidence"] if fit else confidence)
