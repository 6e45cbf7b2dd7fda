"""How far a campaign is: its usable picks, how many come a day, and when the target is reached at that rate.

    40 picks wanted, 10 there after 5 days    rate 2 a day, forecast in 15 days

Before a day is over, what came counts as a day's. Erasing a customer takes their picks out of the count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from feedback.store.campaigns import count_picks, is_open, match_campaign
from feedback.store.tables import Campaign
from feedback.tags.tree import TagTree

DAY = timedelta(days=1)
FARTHEST = timedelta(days=36_500)  # a forecast beyond it names no day
Outlook = Literal["reached", "over", "unknown", "expected", "late"]


@dataclass(frozen=True)
class CampaignProgress:
    """`days` since its start, up to its end. `left`: the time from now to its end; none once it is over."""

    usable: int
    target: int
    days: float
    left: timedelta

    @property
    def share(self) -> float:
        return min(1.0, self.usable / self.target)

    @property
    def missing(self) -> int:
        return max(0, self.target - self.usable)

    @property
    def rate(self) -> float:
        """Usable picks a day."""
        return self.usable / max(1.0, self.days)

    @property
    def wait(self) -> timedelta | None:
        """How long the missing picks take at that rate; None while no pick says."""
        return DAY * min(FARTHEST / DAY, self.missing / self.rate) if self.usable else None

    @property
    def outlook(self) -> Outlook:
        """Whether the target is reached, or is `expected` before the end, `late` after it."""
        if not self.missing:
            return "reached"
        if self.left <= timedelta(0):
            return "over"
        if self.wait is None:
            return "unknown"
        return "expected" if self.wait <= self.left else "late"

    def find_expected(self, now: datetime) -> datetime | None:
        """When the target is reached at that rate; None where nothing is to be said, or nobody lives to see
        it.
        """
        if self.outlook not in ("expected", "late") or self.wait is None or self.wait >= FARTHEST:
            return None
        return now + self.wait


def read_progress(session: Session, *, campaign: Campaign, tree: TagTree, now: datetime) -> CampaignProgress:
    until = min(now, campaign.ended_at or campaign.ends_at)
    usable = count_picks(
        session,
        desk_id=campaign.desk_id,
        since=campaign.created_at,
        until=until,
        conditions=match_campaign(campaign, tree),
    )
    left = campaign.ends_at - now if is_open(campaign, now=now) else timedelta(0)
    return CampaignProgress(usable, campaign.target, (until - campaign.created_at) / DAY, left)
