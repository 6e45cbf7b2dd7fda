"""Sets that came out empty: what was wrong with their replies, and which setting changes that.

Agents are told, too, so no name of a model is part of it. Failures of the engine are no matter of replies
(`generation.name_failure`).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feedback.suggestions.blinding import CUT_OFF, EMPTY, THOUGHTS, GeneratedCandidate
from serving.facts.template import THINKING


@dataclass(frozen=True)
class EmptySet:
    """`value`: of the setting when the set was generated; None where it would name the model."""

    reason: str
    setting: str
    value: str | None

    def describe(self, base_model: str) -> str:
        """In words for a log, which may name the model."""
        return f"{_SAID[self.reason]}; change {self.setting}, now {self.value or base_model}"


_SAID = {
    CUT_OFF: "every reply was cut off",
    THOUGHTS: "the model wrote thoughts and no reply",
    EMPTY: "every reply came out empty",
}


def name_common_fault(replies: Sequence[GeneratedCandidate]) -> str:
    """What was wrong with most replies of a set; of equally frequent faults that of the earlier reply."""
    ((fault, _),) = Counter(str(reply.reason) for reply in replies).most_common(1)
    return fault


def explain_empty_set(
    error: str | None, sampling: Mapping[str, Any], arguments: Mapping[str, Any]
) -> EmptySet | None:
    """Which setting to change, by the error of a set and how it was generated; None for other errors."""
    if error == CUT_OFF:
        return EmptySet(error, "max_tokens", str(sampling["max_tokens"]))
    if error == THOUGHTS and any(arguments.get(name) for name in THINKING):
        return EmptySet(error, "chat_template_kwargs", json.dumps(dict(arguments), ensure_ascii=False))
    return EmptySet(error, "base_model", None) if error in (THOUGHTS, EMPTY) else None
