"""Text to token ids, for training, scoring and probes alike: the prompt as the engine renders it, the reply
up to EOS.

The engine never makes what a template renders after a reply (often a line feed behind EOS), so no reply here
has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One prompt with one reply."""

    prompt_ids: list[int]
    reply_ids: list[int]


def encode_prompt(
    tokenizer: Any, messages: Sequence[Mapping[str, str]], kwargs: Mapping[str, Any]
) -> list[int]:
    """The ids the engine would see: the chat template with the opening of an assistant's reply."""
    encoded = tokenizer.apply_chat_template(
        [dict(message) for message in messages],
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
        **kwargs,
    )
    return list(encoded["input_ids"])


def encode_reply(tokenizer: Any, text: str) -> list[int]:
    """The reply's ids, EOS last: an adapter must learn where to stop."""
    return [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
