"""What a set asks the engine for: the prompt, the sampling, and the requests with their seeds. Asks nothing
itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feedback.suggestions.blinding import BASE, TUNED
from serving.client.client import Sampling

# vLLM gives reply i of a request the seed + i, so two requests whose seeds are close would share replies.
SEED_LIMIT = 2**63 - 2**16
SEED_DISTANCE = 2**10
REQUESTS_AT_ONCE = 3  # of one set: base and two versions


@dataclass(frozen=True)
class Request:
    """One call for `n` replies of one arm; `replaces` names the draws that a redraw stands in for."""

    request_no: int
    arm: str
    adapter: str | None
    seed: int
    n: int
    replaces: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`draw_no` is 1 for a redraw, 0 for the first requests of a set."""
        return {**asdict(self), "replaces": list(self.replaces), "draw_no": 1 if self.replaces else 0}


@dataclass(frozen=True)
class Plan:
    """What a set asks for: the prompt, the sampling and the first requests.

    `adapters` are those it may ask for, with the paths they load from; the set is about the first one.
    """

    messages: list[dict[str, str]]
    sampling: Sampling
    chat_template_kwargs: dict[str, Any]
    requests: tuple[Request, ...]
    redraw_arm: str
    adapters: dict[str, Path]

    @property
    def adapter(self) -> str | None:
        return next(iter(self.adapters), None)


def make_requests(
    adapters: Sequence[str], count: int, make_seed: Callable[[], int], randbelow: Callable[[int], int]
) -> tuple[Request, ...]:
    """The first requests of a set of `count` replies: half of base, the rest shared out among the adapters,
    or base twice where there is none. Seeds are never close.

    Their order is random: with arms or versions exchanged, all else about a set can be the same.
    """
    half = count // 2
    shares: list[tuple[str | None, int]] = [(None, half)]
    shares += [(name, half // len(adapters)) for name in adapters] or [(None, half)]
    in_order = [shares.pop(randbelow(len(shares))) for _ in range(len(shares))]
    seeds = make_seeds(len(in_order), make_seed)
    return tuple(
        Request(no, TUNED if name else BASE, name, seed, n)
        for no, ((name, n), seed) in enumerate(zip(in_order, seeds, strict=True))
    )


def make_seeds(count: int, make_seed: Callable[[], int]) -> list[int]:
    seeds: list[int] = []
    while len(seeds) < count:
        seed = make_seed()
        if all(abs(seed - other) >= SEED_DISTANCE for other in seeds):
            seeds.append(seed)
    return seeds
