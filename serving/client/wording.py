"""What an engine is sent and what comes back, in the form that its base takes: messages on the way there,
replies on the way back.

A text that spells a control token is broken, so that none can open a turn. Knows the base by its files; asks
no engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from serving.base import resolve_base
from serving.client.client import Reply
from serving.control_tokens import ANY_MARKUP, ControlTokens, read_control_tokens
from serving.errors import BaseModelUnknown
from serving.facts.endings import TurnEnds, find_turn_ends, read_token_ids
from serving.facts.template import ChatTemplate, TemplateFacts, describe_template
from serving.prompt import ANY_TEMPLATE, Message, shape_messages
from serving.thoughts import cut_thoughts, find_thought_ids


@dataclass(frozen=True)
class Wording:
    """The defaults are for a base that only remote engines have."""

    control_tokens: ControlTokens = ANY_MARKUP
    template: TemplateFacts = ANY_TEMPLATE
    ends: TurnEnds = field(default_factory=TurnEnds)
    thought_ids: Mapping[int, bool] = field(default_factory=dict)

    @classmethod
    def find(cls, base_model: str | Path) -> "Wording":
        try:
            base = resolve_base(base_model)
        except BaseModelUnknown:
            return cls()
        template = ChatTemplate.read(base)
        return cls(
            read_control_tokens(base),
            describe_template(template) if template.text else ANY_TEMPLATE,
            find_turn_ends(base, template),
            find_thought_ids(read_token_ids(base)),
        )

    @property
    def stops(self) -> list[int]:
        """The id that this template ends a turn with, if it is not EOS: no engine looks for it unasked."""
        end = self.ends.turn_end
        return [] if end is None or end == self.ends.eos else [end]

    def write(self, messages: Sequence[Message]) -> list[Message]:
        """The messages as they are sent."""
        return self.control_tokens.break_in_messages(shape_messages(messages, self.template))

    def read(self, reply: Reply) -> Reply:
        """The reply without its thoughts, and then without token ids: those of the rest are not known.

        Where the engine left the marks of a thought out of the text, nobody can tell where the reply begins.
        """
        text = cut_thoughts(reply.text)
        if text == reply.text and any(token in self.thought_ids for token in reply.token_ids):
            text = ""
        if text == reply.text:
            return reply
        return replace(reply, text=text, token_ids=[], is_thought=not text)
