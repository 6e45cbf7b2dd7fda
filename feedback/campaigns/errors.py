"""Why a campaign does not start, or not again."""

from datetime import datetime

from feedback.errors import ApiError, Conflict


class CampaignOfNothing(ApiError):
    def __init__(self) -> None:
        super().__init__(
            422,
            "campaign_of_nothing",
            "A campaign names neither tags nor languages, so that it would collect everything.",
            "Name a tag in `tags`, a language in `languages`, or ask for `weak` tags.",
        )


class CampaignEndPast(ApiError):
    def __init__(self, ends_at: datetime, now: datetime) -> None:
        super().__init__(
            422,
            "campaign_end_past",
            f"A campaign cannot end at {ends_at:%Y-%m-%d %H:%M} UTC: it is {now:%Y-%m-%d %H:%M} UTC.",
            "Name a later `ends_at`.",
        )


class NoWeakTags(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "no_weak_tags",
            "There is no tag in which what serves is supported in less than half of ten or more picks.",
            "Name tags in `tags`; Data > Collection says which of them lack picks.",
        )


class CampaignOver(Conflict):
    def __init__(self, campaign_id: str, ends_at: datetime) -> None:
        super().__init__(
            "campaign_over",
            f"Campaign {campaign_id} had its end at {ends_at:%Y-%m-%d %H:%M} UTC and does not go on.",
            "Start another one with the same tags and a later end.",
        )
