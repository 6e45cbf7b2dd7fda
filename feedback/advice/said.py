"""Advice before it is put into words: what to do, sentences by their codes, figures and the next command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feedback.advice.words import SENTENCES
from feedback.morning.words import fill_sentence

Values = Mapping[str, Any]


@dataclass(frozen=True)
class AdviceSentence:
    """A sentence by its code. The values are numbers, names and words of the catalogue, never texts of
    customers or agents.
    """

    code: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Advice:
    """`what` for a desk: prompt, collect, sft, dpo or nothing; for a run its first finding."""

    what: str
    sentences: tuple[AdviceSentence, ...]
    figures: Values
    command: str

    def to_json(self) -> dict[str, Any]:
        """The advice as JSON, its paragraph in English."""
        words = [fill_sentence(SENTENCES[said.code], said.values) for said in self.sentences]
        return {
            "what": self.what,
            "text": " ".join(words),
            "sentences": [{"code": said.code, "values": dict(said.values)} for said in self.sentences],
            "figures": dict(self.figures),
            "command": self.command,
        }
