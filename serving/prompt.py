"""The one place that builds prompts: a conversation becomes chat messages that fit the model's window, in the
form that its template takes, with the arguments that its template gets.

Pure functions. What is stored with a suggestion set are the messages of `build_messages`; engine and trainer
alike give them their form with `shape_messages` when they render them, so a set outlives its base.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from serving.dated_template import name_day
from serving.errors import PromptTooLong
from serving.facts.template import TemplateFacts
from serving.thoughts import cut_thoughts

Message = dict[str, str]

ANY_TEMPLATE = TemplateFacts(takes_system=True)  # where only remote engines have the base

CUT = "\n[…]\n"  # stands for the middle of a text that was too long
LEAST = 200  # a text is never cut to fewer characters
MOST = 16  # more characters than a text has per token on average

ROLES = {"customer": "user", "agent": "assistant"}
MERGED_ROLES = ("system", "user", "assistant")  # the results of two tools stay two messages


def build_messages(
    history: Sequence[Mapping[str, str]], *, system_prompt: str, knowledge: Sequence[Mapping[str, str]] = ()
) -> list[Message]:
    """Chat messages of a conversation `[{"role": "customer"|"agent", "text"}]`, oldest first.

    Neighbours of one role become one message, joined by a newline; agent messages before the first customer
    message are dropped, since chat templates want the user to begin. Knowledge follows the system prompt.
    """
    merged: list[Message] = []
    for turn in history:
        role = ROLES[turn["role"]]
        if not merged and role == "assistant":
            continue
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += "\n" + turn["text"]
        else:
            merged.append({"role": role, "content": turn["text"]})
    articles = [f"{article['title']}\n{article['text']}" for article in knowledge]
    system = "\n\n".join(part for part in (system_prompt, *articles) if part)
    return [{"role": "system", "content": system}, *merged] if system else merged


def shape_messages(messages: Sequence[Mapping[str, str]], template: TemplateFacts) -> list[Message]:
    """The messages in the form that this template takes.

    Neighbours of one role become one message, as in `build_messages`. Where the template has no system role,
    what the system says stands before what the user says; where roles must alternate, the user begins.
    Thoughts in earlier replies are cut off.
    """
    shaped: list[Message] = []
    seam = "\n"
    for message in _drop_early_replies(messages) if template.needs_alternation else messages:
        role, content = message["role"], message["content"]
        if role == "assistant":
            content = cut_thoughts(content)
        is_folded = role == "system" and not template.takes_system
        role = "user" if is_folded else role
        if shaped and shaped[-1]["role"] == role and role in MERGED_ROLES:
            shaped[-1]["content"] += ("\n\n" if is_folded else seam) + content
        else:
            shaped.append({**message, "role": role, "content": content})
        seam = "\n\n" if is_folded else "\n"
    return shaped


def _drop_early_replies(messages: Sequence[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    """The messages without replies before the first message of the user."""
    began = False
    for message in messages:
        began = began or message["role"] == "user"
        if began or message["role"] != "assistant":
            yield message


def choose_arguments(template: TemplateFacts, given: Mapping[str, Any], day: date) -> dict[str, Any]:
    """The arguments that the template gets: those that are given, and what keeps a prompt the same.

    Thinking is off where the template has a switch for it. A template that prints today's date is told the
    day of the turn: rendered on another day, the prompt is still the same.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    return {**template.thinking_off, **name_day(template.text, day), **arguments}


def fit_messages(
    messages: Sequence[Message], *, count_tokens: Callable[[list[Message]], int], budget: int
) -> list[Message]:
    """The messages after cutting as few of the oldest as make them fit `budget` tokens.

    Cuts only before a user message. If the system message and the last user message alone do not fit, the
    middle of the longer texts is left out; PromptTooLong is raised if that does not help. `budget` is the
    model's window less the longest reply.
    """
    system = [message for message in messages[:1] if message["role"] == "system"]
    turns = list(messages[len(system) :])
    starts = [index for index, message in enumerate(turns) if message["role"] == "user"] or [0]
    fitting = [*system, *turns[starts[0] :]]
    if count_tokens(fitting) <= budget:
        return fitting
    # The count falls with every cut, so halving finds the smallest cut in a few questions to the engine.
    low, high = 1, len(starts)
    best: list[Message] | None = None
    while low < high:
        middle = (low + high) // 2
        candidate = [*system, *turns[starts[middle] :]]
        if count_tokens(candidate) <= budget:
            best, high = candidate, middle
        else:
            low = middle + 1
    if best is None:
        return shorten_texts([*system, *turns[starts[-1] :]], count_tokens=count_tokens, budget=budget)
    return best


def shorten_texts(
    messages: Sequence[Message], *, count_tokens: Callable[[list[Message]], int], budget: int
) -> list[Message]:
    """Cuts all texts to one length, about the longest at which the messages fit. Raises PromptTooLong."""
    low, high = LEAST, min(MOST * budget, max(len(message["content"]) for message in messages))
    best = [shorten(message, low) for message in messages]
    count = count_tokens(best)
    if count > budget:
        raise PromptTooLong(count, budget)
    while high - low > LEAST // 4:
        middle = (low + high) // 2
        candidate = [shorten(message, middle) for message in messages]
        if count_tokens(candidate) <= budget:
            best, low = candidate, middle
        else:
            high = middle
    return best


def shorten(message: Message, length: int) -> Message:
    """The message with the middle of its text left out, since customers ask at its beginning or end."""
    text = message["content"]
    if len(text) <= length:
        return message
    tail = length // 3
    return {**message, "content": text[: length - tail] + CUT + text[-tail:]}


def count_left_out(messages: Sequence[Message], fitted: Sequence[Message]) -> int:
    """How many characters were cut out of shortened texts. Messages that were left out whole do not count."""
    pairs = [*zip(messages[:1], fitted[:1], strict=True)] if fitted[0]["role"] == "system" else []
    pairs += zip(reversed(messages[len(pairs) :]), reversed(fitted[len(pairs) :]), strict=False)
    shortened = [(whole["content"], cut["content"]) for whole, cut in pairs if whole != cut]
    return sum(len(whole) - len(cut) + len(CUT) for whole, cut in shortened)
