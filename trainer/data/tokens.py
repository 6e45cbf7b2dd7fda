"""Text to token ids, for training, scoring and probes alike: the prompt as the engine renders it, the reply
up to EOS.

Templates may render something after a reply, often a line feed after EOS. The engine never generates it, so
no reply here has it. Control tokens come from the template and from EOS alone, never from a text
(`serving.control_tokens`).
"""

import inspect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from serving.control_tokens import ControlTokens


class PairTokens(NamedTuple):
    """One prompt with one reply."""

    prompt_ids: list[int]
    reply_ids: list[int]


def encode_prompt(
    tokenizer: Any, messages: Sequence[Mapping[str, str]], kwargs: Mapping[str, Any]
) -> list[int]:
    """The ids the engine would see: the chat template with the opening of an assistant's reply.

    `kwargs` may come from an imported line, so only the template gets them: none can change how or which
    template is rendered.
    """
    control = choose_control_tokens(tokenizer)
    ours = inspect.signature(tokenizer.apply_chat_template).parameters
    arguments = {name: value for name, value in kwargs.items() if name not in ours}
    encoded = tokenizer.apply_chat_template(
        control.break_in_messages(messages),
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
        **control.break_in_value(arguments),
    )
    return list(encoded["input_ids"])


def encode_reply(tokenizer: Any, text: str) -> list[int]:
    """The reply's ids, EOS last: an adapter must learn where to stop."""
    broken = choose_control_tokens(tokenizer).break_in(text)
    return [*tokenizer(broken, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


@lru_cache(maxsize=4)
def choose_control_tokens(tokenizer: Any) -> ControlTokens:
    """The control tokens of a loaded tokenizer, equal to those that `serving.control_tokens` reads from its
    files.
    """
    added = {token.content: token.special for token in tokenizer.added_tokens_decoder.values()}
    template = tokenizer.chat_template or ""
    templates = [template] if isinstance(template, str) else list(template.values())
    return ControlTokens.choose(added | dict.fromkeys(tokenizer.all_special_tokens, True), templates)


class Encoder:
    """Turns texts into tuples of ids, or takes the ids that the engine stored with a record.

    Stored ids are taken only if they are of this base and the text spells no control token: an older version
    let those through. Equal numbers share their memory, since a long history has some ten million of them.
    """

    def __init__(self, tokenizer: Any, base_id: str) -> None:
        self._tokenizer, self._base_id = tokenizer, base_id
        self._control = choose_control_tokens(tokenizer)
        self._vocabulary = len(tokenizer)
        self._eos: int = tokenizer.eos_token_id
        self._shared: dict[int, int] = {}

    def encode_prompt(
        self,
        messages: Sequence[Mapping[str, str]],
        kwargs: Mapping[str, Any],
        stored: list[int] | None = None,
        base_id: str | None = None,
    ) -> tuple[int, ...]:
        spelt = self._control.break_in_messages(messages) != [dict(message) for message in messages]
        if stored is not None and not spelt and self._holds(stored, base_id):
            return self._share(stored)
        return self._share(encode_prompt(self._tokenizer, messages, kwargs))

    def encode_reply(
        self, text: str, stored: list[int] | None = None, base_id: str | None = None
    ) -> tuple[int, ...]:
        """The ids of a reply, with EOS at the end, which some stored ids lack."""
        spelt = self._control.break_in(text) != text
        if stored is not None and not spelt and self._holds(stored, base_id):
            return self._share(stored if stored[-1] == self._eos else [*stored, self._eos])
        return self._share(encode_reply(self._tokenizer, text))

    def _holds(self, stored: list[int], base_id: str | None) -> bool:
        """Whether stored ids may be used. An imported line may claim anything, and an id beyond the
        vocabulary would stop the run.
        """
        known = bool(stored) and base_id == self._base_id
        return known and 0 <= min(stored) and max(stored) < self._vocabulary

    def _share(self, ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._shared.setdefault(one, one) for one in ids)
