"""Which records a dataset is asked for, and what is made of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from feedback.records.from_judgement import DUEL, LABEL, LIVE, OWN_SOURCES
from feedback.store.overview import name_language


@dataclass(frozen=True)
class Selection:
    """Which records a dataset takes: from any of these sources (`live`, `duel` and `label` are what people do
    here), with any of these tags or one below them, with none of `without_tags` nor one below those, in any
    of these languages, and not older than a time. An empty wish asks for nothing. `augment`: the operations
    that make children of its choices (feedback/augment/).
    """

    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None
    without_tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    difficulty: tuple[int, ...] = ()  # quarters from 1, the easiest for the base, to 4 (difficulty.py)
    augment: tuple[str, ...] = ()
    strings: frozenset[str] = frozenset()  # that mean the tags, by the tree of the desk
    without_strings: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        return {
            "sources": sorted(self.sources),
            "tags": sorted(self.tags),
            "since": self.since.astimezone(UTC).isoformat() if self.since else None,
            "without_tags": sorted(self.without_tags),
            "languages": sorted(self.languages),
            "difficulty": sorted(self.difficulty),
        } | ({"augment": sorted(self.augment)} if self.augment else {})

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Selection":
        """Reads what `to_json` wrote; an empty object, of an old dataset, selects everything."""
        since = told.get("since")
        return cls(
            tuple(told.get("sources") or ()),
            tuple(told.get("tags") or ()),
            datetime.fromisoformat(since) if since else None,
            tuple(told.get("without_tags") or ()),
            tuple(told.get("languages") or ()),
            tuple(told.get("difficulty") or ()),
            tuple(told.get("augment") or ()),
        )

    @property
    def has_live(self) -> bool:
        return not self.sources or LIVE in self.sources

    @property
    def has_duels(self) -> bool:
        return not self.sources or DUEL in self.sources

    @property
    def has_labels(self) -> bool:
        return not self.sources or LABEL in self.sources

    @property
    def imported(self) -> list[str] | None:
        """The imported sources asked for: an empty list means all of them, None no import."""
        named = sorted(set(self.sources) - set(OWN_SOURCES))
        return None if self.sources and not named else named

    def has_tag(self, tags: list[str]) -> bool:
        is_asked = not self.tags or not (self.strings or set(self.tags)).isdisjoint(tags)
        return is_asked and (self.without_strings or set(self.without_tags)).isdisjoint(tags)

    def has_language(self, language: str | None) -> bool:
        """Whether the language is asked for: `zh` asks for `zh-CN`, too."""
        asked, spoken = {each.lower() for each in self.languages}, (language or "").lower()
        return not asked or bool(asked & {spoken, name_language(spoken)})

    def takes(self, tags: list[str], at: datetime | None, language: str | None) -> bool:
        if not self.has_tag(tags) or not self.has_language(language):
            return False
        return self.since is None or (at is not None and at >= self.since)
