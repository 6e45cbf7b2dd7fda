"""One row of what is there: a tag or a source, with what came of it. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feedback.experiments.tally import Tally


@dataclass(frozen=True)
class CollectionRow:
    """`records`: those that something can be learned from, by split. `hardest` of the `rated` ones, of which
    the difficulty is known, are in the hardest quarter of their language. `tally`: of a tag the picks of what
    serves, of a source those of all `adapters`, which learned from it.
    `nats` per held-out choice of the last run whose recipe weighed the tag. None: not measured.
    """

    name: str
    conversations: int = 0
    records: Mapping[str, int] = field(default_factory=dict)
    hardest: int = 0
    rated: int = 0
    versions: int = 0
    adapters: tuple[str, ...] = ()
    alpha: float | None = None
    tally: Tally | None = None
    nats: float | None = None

    @property
    def usable(self) -> int:
        return sum(self.records.values())

    @property
    def hard_share(self) -> float | None:
        return self.hardest / self.rated if self.rated else None

    @property
    def counted(self) -> Tally:
        return self.tally or Tally()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "conversations": self.conversations,
            "records": dict(sorted(self.records.items())),
            "agreement": self.alpha,
            "hardest_quarter": self.hard_share,
            "versions": self.versions,
            "adapters": list(self.adapters),
            "support": self.tally.to_json(won="tuned", lost="base", tied="halves") if self.tally else None,
            "held_out_nats": self.nats,
        }


@dataclass(frozen=True)
class Collection:
    """All rows of a desk, the adapter whose picks they tell, and the one thing to collect next."""

    tags: list[CollectionRow]
    sources: list[CollectionRow]
    adapter: str | None

    @property
    def is_empty(self) -> bool:
        return not any(row.conversations or row.usable for row in [*self.tags, *self.sources])
