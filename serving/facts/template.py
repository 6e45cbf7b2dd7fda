"""What a chat template does with messages: found out by rendering it, with the switches that transformers
gives to templates, but without transformers.

A template of the base runs in jinja's sandbox. The engine and the trainer render real prompts; this module
only tries some.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from serving.facts.config_files import Json, read_config_json

Message = Mapping[str, str]
# Names of a template's switch for thinking, and the value that turns it off.
THINKING = ("enable_thinking", "thinking", "reasoning")
# Names that every rendering has; all others a template reads are arguments.
_GIVEN = {"messages", "tools", "documents", "add_generation_prompt", "raise_exception", "strftime_now"}
_SYSTEM, _USER, _REPLY = "zqsystem", "zquser", "zqreply"
_DATES = (datetime(2001, 2, 3, tzinfo=UTC), datetime(2019, 11, 28, tzinfo=UTC))


@dataclass(frozen=True)
class TemplateFacts:
    text: str = ""
    """The template itself; empty if the base has none."""

    takes_system: bool = False
    needs_alternation: bool = False
    prints_date: bool = False
    thinking_off: Mapping[str, bool] = field(default_factory=dict)
    """The argument that keeps the model from thinking, such as `enable_thinking: False`."""

    always_thinks: bool = False
    """Whether every reply begins inside a thought, and no argument turns that off."""

    arguments: tuple[str, ...] = ()
    """Names beside the messages that the template reads."""


class _Generation(Extension):
    """`{% generation %}` marks what an assistant wrote; here it is rendered like anything else."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatTemplate:
    """The chat template of one base, as text that can be rendered."""

    def __init__(self, text: str, tokens: Mapping[str, str]) -> None:
        """`tokens` are the tokenizer's own by name, such as bos_token, which templates write."""
        self.text, self._tokens = text, dict(tokens)
        self._environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
        )
        self._environment.filters["tojson"] = _to_json
        self._environment.globals["raise_exception"] = _refuse

    @classmethod
    def read(cls, base: Path) -> "ChatTemplate":
        """The template in a base's folder; its text is empty if the base has none."""
        config = read_config_json(base / "tokenizer_config.json")
        path = base / "chat_template.jinja"
        text = path.read_text(encoding="utf-8") if path.is_file() else _take_default(config)
        return cls(text, _read_tokens(config | read_config_json(base / "special_tokens_map.json")))

    @cached_property
    def _compiled(self) -> Any:
        return self._environment.from_string(self.text)

    def render(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = False,
        now: datetime | None = None,
        **arguments: Any,
    ) -> str:
        """The prompt as text. Raises jinja2.TemplateError where the template refuses the messages."""
        moment = now or datetime.now(UTC)
        given = {
            **self._tokens,
            "messages": messages,
            "tools": None,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
            "strftime_now": moment.strftime,
            **arguments,
        }
        try:
            return str(self._compiled.render(given))
        except TemplateError:
            raise
        except Exception as fault:  # a template is a program: it may fail in any way
            raise TemplateError(f"{type(fault).__name__}: {fault}") from fault

    def try_render(self, *messages: tuple[str, str], **options: Any) -> str | None:
        """The prompt of `(role, content)` pairs, or None where the template refuses them."""
        try:
            return self.render([{"role": role, "content": text} for role, text in messages], **options)
        except TemplateError:
            return None

    def list_arguments(self) -> tuple[str, ...]:
        """Names that the template reads and that only a caller can give."""
        try:
            names = meta.find_undeclared_variables(self._environment.parse(self.text))
        except TemplateError:
            return ()
        return tuple(sorted(names - _GIVEN - set(self._tokens) - set(self._environment.globals)))

    def find_endings(self) -> tuple[str | None, str | None]:
        """What stands after an assistant's text: at the end of a conversation, and before a user's next
        text.
        """
        last = self.try_render(("user", _USER), ("assistant", _REPLY))
        inside = self.try_render(("user", _USER), ("assistant", _REPLY), ("user", _USER))
        return _after_reply(last), _after_reply(inside)


def describe_template(template: ChatTemplate) -> TemplateFacts:
    """The facts of a template, found out by trying it."""
    if not template.text:
        return TemplateFacts()
    with_system = template.try_render(("system", _SYSTEM), ("user", _USER))
    arguments = template.list_arguments()
    opened = template.try_render(("user", _USER), add_generation_prompt=True) or ""
    switch = _find_switch(template, arguments)
    return TemplateFacts(
        text=template.text,
        takes_system=with_system is not None and _SYSTEM in with_system,
        needs_alternation=template.try_render(("user", _USER), ("user", _USER)) is None,
        prints_date=any(
            template.try_render(*messages, now=_DATES[0]) != template.try_render(*messages, now=_DATES[1])
            for messages in ([("user", _USER)], [("system", _SYSTEM), ("user", _USER)])
        ),
        thinking_off={switch: False} if switch else {},
        always_thinks=not switch and opened.rstrip().endswith(("<think>", "<thinking>")),
        arguments=arguments,
    )


def _find_switch(template: ChatTemplate, arguments: Sequence[str]) -> str | None:
    """The name of the argument that turns thinking off: one that the template reads and that changes what it
    writes.
    """
    for name in THINKING:
        if name in arguments:
            turned = [
                template.try_render(
                    ("system", _SYSTEM), ("user", _USER), add_generation_prompt=True, **{name: state}
                )
                or template.try_render(("user", _USER), add_generation_prompt=True, **{name: state})
                for state in (True, False)
            ]
            if turned[0] != turned[1]:
                return name
    return None


def _after_reply(rendered: str | None) -> str | None:
    if rendered is None or _REPLY not in rendered:
        return None
    return rendered.rpartition(_REPLY)[2].partition(_USER)[0]


def _take_default(config: Json) -> str:
    """The template that a tokenizer's configuration holds: one, or several by name."""
    found = config.get("chat_template") or ""
    if isinstance(found, str):
        return found
    named = {each.get("name"): str(each.get("template", "")) for each in found if isinstance(each, dict)}
    return named.get("default", "")


def _read_tokens(config: Json) -> dict[str, str]:
    """The tokenizer's own tokens by name, as templates write them."""
    tokens = {}
    for name, value in config.items():
        text = value.get("content") if isinstance(value, Mapping) else value
        if name.endswith("_token") and isinstance(text, str):
            tokens[name] = text
    return tokens


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def _refuse(message: str) -> None:
    raise TemplateError(message)
