"""The statistics on the picks of one adapter for its page and the API, as the trainer last fitted them.

Counting a long history again for each page would take longer the more people judge. So a page shows what is
stored in `fit`, with its time, and counts alone before the first fit. Decisions count for themselves
(`support.py`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from feedback.experiments.support import Support, support_of, tally_support
from feedback.experiments.versions import Comparison, tally_versions
from feedback.store.fits import find_fit
from feedback.store.record_counts import (
    AgentMeaning,
    Meaning,
    Versioned,
    count_judgements,
    count_meanings,
    count_versions,
)
from feedback.store.tables import DEFAULT_DESK, Fit

FRESH = timedelta(minutes=2)
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
    """The statistics of an adapter. `support` and `comparisons` are of the judgements that the fit used, or
    of all judgements before the first fit.

    The interval of `support` is Wilson's at 95 %.
    """

    support: Support
    comparisons: list[Comparison]
    fit: Fit | None

    @property
    def share(self) -> float | None:
        """The adapter's share of the picks that decide, without merged texts and ties across the arms."""
        tally = self.support.tally
        return tally.won / tally.decided if tally.decided else None

    def to_json(self, *, confidence: float) -> dict[str, Any]:
        """The statistics as JSON. The policy's `confidence` is for the bounds before the first fit."""
        return {
            "adapter": self.support.adapter,
            "confidence": self.fit.value["confidence"] if self.fit else confidence,
            "support": self.support.to_json(),
            "share": self.share,
            **(self.fit.value["fitted"] if self.fit else NOTHING_FITTED),
            "fitted_at": self.fit.at if self.fit else None,
            "fitted_judgements": self.fit.judgements if self.fit else None,
        }


def read_support(
    session: Session, adapter: str, *, now: datetime, desk_id: str = DEFAULT_DESK
) -> tuple[Support, dict[str, Any]]:
    """The support rate now, at most a minute or two old, and the last fit, which is empty before the first.

    The judgements are counted again only if the last fit is old and there are new judgements since. A working
    trainer renews the fit within a minute, so a page seldom counts a long history.
    """
    fit = find_fit(session, desk_id=desk_id, adapter=adapter)
    if fit is None:
        return support_of(session, adapter, desk_id=desk_id), {}
    is_new = timedelta(0) <= now - fit.at < FRESH
    if is_new or count_judgements(session, desk_id=desk_id, adapter=adapter) == fit.judgements:
        return tally_support(adapter, recall_counts(fit.value["counts"])[0]), fit.value["fitted"]
    return support_of(session, adapter, desk_id=desk_id), fit.value["fitted"]


def read_account(session: Session, adapter: str, *, desk_id: str = DEFAULT_DESK) -> Account:
    fit = find_fit(session, desk_id=desk_id, adapter=adapter)
    if fit is None:
        judged = count_meanings(session, desk_id=desk_id, adapter=adapter)
        versions = count_versions(session, desk_id=desk_id, adapter=adapter)
    else:
        judged, versions = recall_counts(fit.value["counts"])
    return Account(tally_support(adapter, judged), tally_versions(adapter, versions), fit)


def keep_counts(judged: dict[AgentMeaning, int], versions: dict[Versioned, int]) -> dict[str, Any]:
    """The counts in the JSON form that a fit stores. Equal counts give equal JSON."""
    return {
        "judged": sorted(([each.agent, *each.meaning, count] for each, count in judged.items()), key=str),
        "versions": [[each.rival, each.agent, *each.meaning, count] for each, count in versions.items()],
    }


def recall_counts(kept: dict[str, Any]) -> tuple[dict[AgentMeaning, int], dict[Versioned, int]]:
    """Reads the counts that `keep_counts` wrote."""
    judged = {AgentMeaning(agent, Meaning(*meaning)): count for agent, *meaning, count in kept["judged"]}
    versions = {
        Versioned(rival, agent, Meaning(*meaning)): count
        for rival, agent, *meaning, count in kept["versions"]
    }
    return judged, versions
