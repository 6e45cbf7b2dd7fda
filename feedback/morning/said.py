"""A sentence before it is put into words: its code, its values, and the action to take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from feedback.morning.words import ACTIONS, SENTENCES, fill_sentence

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    code: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class MorningSentence:
    """A sentence by its code. The values are numbers, names, times and catalogue words, never texts of
    customers or agents.
    """

    code: str
    action: Action
    values: Values = field(default_factory=dict)

    @property
    def tone(self) -> str:
        return SENTENCES[self.code].tone

    def to_json(self) -> dict[str, Any]:
        """The sentence as JSON, in English."""
        return {
            "code": self.code,
            "tone": self.tone,
            "text": fill_sentence(SENTENCES[self.code].text, self.values),
            "values": show_plain(self.values),
            "action": {
                "code": self.action.code,
                "text": fill_sentence(ACTIONS[self.action.code], self.action.values),
                "values": show_plain(self.action.values),
            },
        }


def show_plain(values: Values) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
