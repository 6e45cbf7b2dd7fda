"""What a set is made from, in small steps: its base, the bound of its prompt, hashes, its design.

Asks no engine and knows no store.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.base import compute_base_id, resolve_base
from serving.errors import BaseModelUnknown
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

# Upper bound of what a chat template adds: role marks per message, a preamble per prompt. A text of n bytes
# has at most n tokens, so most prompts are known to fit without asking the engine to count.
TEMPLATE_TOKENS = 64
MESSAGE_TOKENS = 16


@dataclass(frozen=True)
class BaseFacts:
    """What identifies the base in a set: its id and the hash of its chat template."""

    base_id: str
    template_hash: str


def describe_base_model(serving: ServingSettings) -> BaseFacts:
    """Facts of the base on disk; empty ones, with a warning, where only remote engines have it."""
    try:
        base = resolve_base(serving.base_model)
        return BaseFacts(compute_base_id(base), hash_template(base))
    except BaseModelUnknown as unknown:
        log.warning("sets are stored without the id of their base: %s", unknown)
        return BaseFacts("", "")


def hash_template(base: Path) -> str:
    """sha256 of the chat template, which lies in a file of its own or in the tokenizer's configuration."""
    own = base / "chat_template.jinja"
    if own.is_file():
        return hash_text(own.read_text(encoding="utf-8"))
    config = base / "tokenizer_config.json"
    template = (
        json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.is_file() else None
    )
    return hash_json(template) if template is not None else ""


def bound_tokens(messages: list[dict[str, str]]) -> int:
    """A number of tokens that these messages cannot exceed under any template and byte-level tokenizer."""
    texts = sum(len(message["content"].encode()) + MESSAGE_TOKENS for message in messages)
    return TEMPLATE_TOKENS + texts


def name_design(asked: Iterable[tuple[str | None, int]]) -> str:
    """How many replies base gives, then each tuned version: `4+0`, `2+2`, `2+1+1`. `asked` pairs the adapter
    of a request, None for base, with its number of replies.
    """
    counts: Counter[str | None] = Counter()
    for adapter, count in asked:
        counts[adapter] += count
    base = counts.pop(None, 0)
    return "+".join(str(count) for count in (base, *(sorted(counts.values(), reverse=True) or [0])))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def hash_json(value: Any) -> str:
    return hash_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
