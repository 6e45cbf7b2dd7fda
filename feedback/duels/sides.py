"""One side of a round: which engine is asked, how, and what came of it; what two sides make of a round."""

from dataclasses import dataclass
from typing import Any

from feedback.duels.prompts import draw_lot
from feedback.duels.start import SEED_LIMIT
from feedback.records.item_states import DROPPED, OPEN
from feedback.records.text import normalise
from feedback.store.duel_rounds import EQUAL
from serving.client.client import Completions, Sampling
from serving.client.fleet import Fleet


@dataclass(frozen=True)
class AskedEngine:
    """The engine that answers for a side, and how it is asked."""

    fleet: Fleet
    sampling: Sampling
    template_kwargs: dict[str, Any]

    def generate(self, messages: list[dict[str, str]], adapter: str | None, seed: int) -> Completions:
        return self.fleet.generate(
            model=adapter or self.fleet.base_name,
            messages=messages,
            sampling=self.sampling,
            seed=seed,
            n=1,
            chat_template_kwargs=self.template_kwargs,
        )


@dataclass(frozen=True)
class SideReply:
    """One request of a round and its reply. `fault` is None for a usable reply."""

    side: str
    adapter: str | None
    attempt: int
    seed: int
    fault: str | None
    completions: Completions | None

    @property
    def text(self) -> str | None:
        return self.completions.replies[0].text if self.completions else None

    def to_json(self) -> dict[str, Any]:
        names = ("side", "adapter", "attempt", "seed", "fault")
        return {name: getattr(self, name) for name in names}


def find_item_state(a: SideReply, b: SideReply) -> tuple[str, str | None]:
    """The state that these two replies give the item of a round, and why it is dropped if it is."""
    fault = a.fault or b.fault
    if fault is not None:
        return DROPPED, fault
    assert a.text is not None and b.text is not None, "a reply without a fault has a text"
    return (DROPPED, EQUAL) if normalise(a.text) == normalise(b.text) else (OPEN, None)


def make_seed(seed: int, position: int, side: str, attempt: int) -> int:
    """A seed that follows from the duel's own, so that a duel that is taken over gets equal replies."""
    lot = draw_lot(seed, f"draw:{position}:{side}:{attempt}")
    return int.from_bytes(lot[:8], "big") % SEED_LIMIT
