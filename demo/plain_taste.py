"""A taste for replies in plain English, for bases that do not speak the demo's grammar: short, polite,
concrete, and no promise that nobody can keep.

It is computed from the words alone, on any English text; docs/bases.md states it as a formula. It knows
nothing of what is true: a reply that names the customer's own words counts as concrete, one that says that
something has been done or will come by a time as a promise.
"""

import re
from collections.abc import Sequence

from demo.agents import SimulatedAgent
from demo.grammar import Message

SHORT_WORDS = 30  # up to here a reply costs nothing for its length
WORD_COST = 0.05  # for each word beyond, up to LENGTH_COST
LENGTH_COST = 2.0
CURT_WORDS, CURT_COST = 4, 1.0
POLITE = 0.8
CONCRETE, CONCRETE_TIMES = 0.4, 3  # for each of the customer's words that is taken up, up to three
PROMISE, PROMISE_TIMES = 1.0, 2
LETTER = 1.0  # a form letter: "Dear [Your Name]", "Best regards"

_WORD = re.compile(r"[a-z0-9]+(?:['’-][a-z0-9]+)*")
_POLITE = re.compile(
    r"\b(please|thank|thanks|sorry|apologi[sz]e|apologies|glad|happy to|welcome|appreciate)\b"
)
_PROMISE = re.compile(
    r"\b(i|we)(?: have|'ve|’ve| had)? (?:\w+ly |just |already )?"
    r"(sent|shipped|refunded|cancell?ed|checked|processed|updated|changed|received|found|resolved|fixed)\b"
    r"|\b(will be|is being|has been|have been) (\w+ly )?"
    r"(sent|shipped|refunded|cancell?ed|processed|updated|delivered|replaced|returned|resolved|fixed)\b"
    r"|\b(within|in) (the next )?(\d+|one|two|three|a few|24)(\s?-\s?\d+)? (business |working )?"
    r"(minute|hour|day|week)s?\b"
    r"|\b(guarantee|guaranteed|immediately|right away|definitely|as soon as possible|tomorrow)\b"
)
_LETTER = re.compile(r"\[[^\]]*\]|\bdear\b|\bsincerely\b|\bbest regards\b|\bsubject:")
# Words that a reply takes up without being about anything.
_EMPTY = frozenset(
    "about again been before could does from have hello help here just like more need please some that them "
    "then there they this want wanted were what when where which will with would your yours".split()
)


def rate_plainly(text: str, messages: Sequence[Message]) -> float:
    """The utility of a reply to a conversation in English; only differences matter."""
    lower = text.casefold()
    words = _WORD.findall(lower)
    utility = -min(LENGTH_COST, WORD_COST * max(0, len(words) - SHORT_WORDS))
    utility -= CURT_COST * (len(words) < CURT_WORDS)
    utility += POLITE * bool(_POLITE.search(lower))
    utility += CONCRETE * min(CONCRETE_TIMES, len(find_topics(messages) & set(words)))
    utility -= PROMISE * min(PROMISE_TIMES, sum(1 for _ in _PROMISE.finditer(lower)))
    return utility - LETTER * bool(_LETTER.search(lower))


def find_topics(messages: Sequence[Message]) -> set[str]:
    """The customer's words that say what it is about: long ones and those with a digit."""
    said = " ".join(message["content"] for message in messages if message["role"] == "user").casefold()
    words = set(_WORD.findall(said)) - _EMPTY
    return {word for word in words if len(word) > 3 or any(letter.isdigit() for letter in word)}


class PlainAgent(SimulatedAgent):
    """An agent of this taste, who writes nothing and changes nothing: a pick, a tie, or none."""

    def rate(self, text: str, messages: Sequence[Message]) -> float:
        return rate_plainly(text, messages)

    def _edit(self, text: str, messages: Sequence[Message]) -> str:
        return text

    def _write(self, messages: Sequence[Message]) -> str | None:
        return None
