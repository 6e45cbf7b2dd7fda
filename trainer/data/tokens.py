"""Text to token ids, for training, scoring and probes alike: the prompt as the engine renders it, the reply
up to the end of its turn.

Templates may render something after a reply, often a line feed after its end. The engine never generates it,
so no reply here has it. Control tokens come from the template and from the end alone, never from a text
(`serving.control_tokens`). What a base writes where is known by chat.py.
"""

import inspect
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from jinja2 import TemplateError

from serving.dated_template import take_day
from serving.prompt import choose_arguments, shape_messages
from serving.thoughts import cut_thoughts
from trainer.data.chat import Chat, read_chat
from trainer.errors import TextRefused

UNDATED = date(2026, 1, 1)
"""The day of a prompt that belongs to no turn, such as a guard prompt: the same every night."""


class PairTokens(NamedTuple):
    """One prompt with one reply."""

    prompt_ids: list[int]
    reply_ids: list[int]


def encode_prompt(
    tokenizer: Any, messages: Sequence[Mapping[str, str]], kwargs: Mapping[str, Any], day: date = UNDATED
) -> list[int]:
    """The ids the engine would see: the chat template with the opening of an assistant's reply.

    `kwargs` may come from an imported line, so only the template gets them: none can change how or which
    template is rendered. `day`: what a template prints as today's date. Raises TextRefused.
    """
    chat = read_chat(tokenizer)
    ours = inspect.signature(tokenizer.apply_chat_template).parameters
    arguments = choose_arguments(chat.template, kwargs, day)
    then = datetime.combine(day, time(), UTC)
    try:
        encoded = tokenizer.apply_chat_template(
            chat.control.break_in_messages(shape_messages(messages, chat.template)),
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            chat_template=take_day(chat.template.text),
            strftime_now=then.strftime,
            **chat.control.break_in_value(
                {name: value for name, value in arguments.items() if name not in {*ours, "strftime_now"}}
            ),
        )
    except (TemplateError, TypeError) as why:  # TypeError: a message without what the template asks for
        raise TextRefused("template_refuses", f"the chat template refuses the messages: {why}") from why
    return check_rows(list(encoded["input_ids"]), chat)


def find_day(body: Mapping[str, Any]) -> date:
    """The day of a dataset's line, for a template that prints one; UNDATED if the line has no time."""
    at = body.get("at")
    return datetime.fromisoformat(at).astimezone(UTC).date() if at else UNDATED


def encode_reply(tokenizer: Any, text: str) -> list[int]:
    """The reply's ids without its thoughts, the end of its turn last: an adapter must learn where to stop.

    Raises TextRefused.
    """
    chat = read_chat(tokenizer)
    reply = cut_thoughts(text)
    if not reply.strip() and text.strip():
        raise TextRefused("thoughts_alone", "the reply holds thoughts and nothing else")
    ids = tokenizer(chat.control.break_in(reply), add_special_tokens=False)["input_ids"]
    return chat.end_reply(check_rows(list(ids), chat))


def check_rows(ids: list[int], chat: Chat) -> list[int]:
    """The ids, if the base has an embedding for each. Tokens added to a tokenizer alone have none."""
    if ids and max(ids) >= chat.rows:
        detail = f"token {max(ids)} lies beyond the {chat.rows} rows of the embedding"
        raise TextRefused("unknown_token", detail)
    return ids


class Encoder:
    """Turns texts into tuples of ids, or takes the ids that the engine stored with a record.

    Stored ids are taken only if they are of this base and the text spells no control token: an older version
    let those through. Equal numbers share their memory, since a long history has some ten million of them.
    """

    def __init__(self, tokenizer: Any, base_id: str) -> None:
        self._tokenizer, self._base_id = tokenizer, base_id
        self._chat = read_chat(tokenizer)
        self._shared: dict[int, int] = {}

    def encode_prompt(
        self,
        messages: Sequence[Mapping[str, str]],
        kwargs: Mapping[str, Any],
        stored: list[int] | None = None,
        base_id: str | None = None,
        *,
        day: date = UNDATED,
    ) -> tuple[int, ...]:
        shaped = shape_messages(messages, self._chat.template)
        spelt = self._chat.control.break_in_messages(shaped) != shaped
        if stored is not None and not spelt and self._holds(stored, base_id):
            return self._share(stored)
        return self._share(encode_prompt(self._tokenizer, messages, kwargs, day))

    def encode_reply(
        self, text: str, stored: list[int] | None = None, base_id: str | None = None
    ) -> tuple[int, ...]:
        """The ids of a reply. A stored one that ends as any turn may end is whole."""
        spelt = self._chat.control.break_in(text) != text or cut_thoughts(text) != text
        if stored is not None and not spelt and self._holds(stored, base_id):
            return self._share(self._chat.end_reply(stored))
        return self._share(encode_reply(self._tokenizer, text))

    def _holds(self, stored: list[int], base_id: str | None) -> bool:
        """Whether stored ids may be used. An imported line may claim anything, and an id beyond the
        embedding would stop the run.
        """
        known = bool(stored) and base_id == self._base_id
        return known and 0 <= min(stored) and max(stored) < self._chat.rows

    def _share(self, ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._shared.setdefault(one, one) for one in ids)
