"""Templates: sentences with `[a|b|]` alternatives and `<slot>` gaps, expanded into plain strings.

A template has only tens of expansions, so all can be listed, and parsing is a dictionary look-up of the
masked text.
"""

import itertools
import re
from dataclasses import dataclass
from functools import cache

_ALTERNATIVES = re.compile(r"\[([^\]]*)\]")
_SLOT = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Phrase:
    """One expansion: a text with gaps, and the slots that it names."""

    text: str
    slots: frozenset[str]

    def fill(self, values: dict[str, str]) -> str:
        return _SLOT.sub(lambda gap: values[gap.group(1)], self.text)


def expand(template: str) -> tuple[Phrase, ...]:
    """All expansions of a template, in the order of its alternatives."""
    parts = _ALTERNATIVES.split(template)  # literal, alternatives, literal, ...
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    texts = dict.fromkeys("".join(picked) for picked in itertools.product(*choices))
    return tuple(Phrase(text, frozenset(_SLOT.findall(text))) for text in texts)


@cache
def expand_all(templates: tuple[str, ...]) -> tuple[tuple[Phrase, ...], ...]:
    """Expansions grouped by template. Drawing a group first keeps a template with many alternatives from
    being drawn more often.
    """
    return tuple(expand(template) for template in templates)
