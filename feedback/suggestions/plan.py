"""Plans a set: first the facts it is made from (base, bound of the prompt, hashes, design), then the sampling
and the requests to the engine with their seeds. Sends nothing itself and knows no store.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feedback.canonical import canonical_hash, hash_text
from feedback.records.candidate import BASE, TUNED
from serving.base import compute_base_id, resolve_base
from serving.client.client import Sampling
from serving.control_tokens import ANY_MARKUP, ControlTokens, read_control_tokens
from serving.errors import BaseModelUnknown
from serving.facts.profile import read_profile
from serving.facts.template import TemplateFacts
from serving.prompt import ANY_TEMPLATE
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

# vLLM gives reply i of a request the seed + i, so two requests whose seeds are close would share replies.
SEED_LIMIT = 2**63 - 2**16
SEED_DISTANCE = 2**10
REQUESTS_AT_ONCE = 3  # most requests of one set: base and two versions
# Upper bound of what a chat template adds: role marks per message, a preamble per prompt. A text of n bytes
# has at most n tokens, so most prompts are known to fit without asking the engine to count.
TEMPLATE_TOKENS = 64
# No text has so many characters a token: one that is longer need not be sent to be counted.
TOKEN_CHARACTERS = 32
MESSAGE_TOKENS = 16


@dataclass(frozen=True)
class Request:
    """One call for `n` replies of one arm. `replaces` names the replies that a resample replaces."""

    request_no: int
    arm: str
    adapter: str | None
    seed: int
    n: int
    replaces: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The request as the set stores it. `replaces` is empty for a first request."""
        return {**asdict(self), "replaces": list(self.replaces)}


@dataclass(frozen=True)
class Plan:
    """What a set asks for: the prompt, the sampling and the first requests.

    `adapters` are those that it may ask for, with the paths to load them from. The set is about the first
    one.
    """

    messages: list[dict[str, str]]
    sampling: Sampling
    chat_template_kwargs: dict[str, Any]
    requests: tuple[Request, ...]
    resampled_arm: str
    adapters: dict[str, Path]
    left_out: int = 0
    """Characters of long texts that the prompt leaves out."""

    @property
    def adapter(self) -> str | None:
        return next(iter(self.adapters), None)


def make_requests(
    adapters: Sequence[str], count: int, make_seed: Callable[[], int], randbelow: Callable[[int], int]
) -> tuple[Request, ...]:
    """The first requests of a set of `count` replies: half from the base, the rest shared among the adapters,
    or two requests to the base if there is none. Their seeds are far apart.

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


@dataclass(frozen=True)
class BaseFacts:
    """What identifies the base in a set, the control texts that no message may contain, and what its template
    takes.
    """

    base_id: str
    template_hash: str
    control_tokens: ControlTokens = ANY_MARKUP
    template: TemplateFacts = ANY_TEMPLATE


def describe_base_model(serving: ServingSettings) -> BaseFacts:
    """The facts of the base on disk; empty, with a warning, if only remote engines have the base."""
    try:
        base = resolve_base(serving.base_model)
        return BaseFacts(
            compute_base_id(base),
            hash_template(base),
            read_control_tokens(base),
            read_profile(base).template,
        )
    except BaseModelUnknown as unknown:
        log.warning("sets are stored without the id of their base: %s", unknown)
        return BaseFacts("", "")


def hash_template(base: Path) -> str:
    """The sha256 of the chat template, which is in a file of its own or in the tokenizer's configuration."""
    own = base / "chat_template.jinja"
    if own.is_file():
        return hash_text(own.read_text(encoding="utf-8"))
    config = base / "tokenizer_config.json"
    template = (
        json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.is_file() else None
    )
    return canonical_hash(template) if template is not None else ""


def bound_tokens(messages: list[dict[str, str]]) -> int:
    """An upper bound of the tokens in these messages, for any template and byte-level tokenizer."""
    texts = sum(len(message["content"].encode()) + MESSAGE_TOKENS for message in messages)
    return TEMPLATE_TOKENS + texts


def count_at_least(messages: list[dict[str, str]]) -> int:
    """A lower bound of the tokens in these messages, whatever they say."""
    return sum(len(message["content"]) for message in messages) // TOKEN_CHARACTERS


def name_design(asked: Iterable[tuple[str | None, int]]) -> str:
    """The name of a design, which has the number of replies of the base, then of each tuned version: `4+0`,
    `2+2`, `2+1+1`. `asked` holds the adapter of each request (None for base) and its number of replies.
    """
    counts: Counter[str | None] = Counter()
    for adapter, count in asked:
        counts[adapter] += count
    base = counts.pop(None, 0)
    return "+".join(str(count) for count in (base, *(sorted(counts.values(), reverse=True) or [0])))
