"""The one place that builds prompts: a conversation becomes chat messages that fit the model's window.

Pure functions. The trainer never calls them: it reads the messages that the set stored.
"""

from collections.abc import Callable, Mapping, Sequence

from serving.errors import PromptTooLong

Message = dict[str, str]

ROLES = {"customer": "user", "agent": "assistant"}


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


def fit_messages(
    messages: Sequence[Message], *, count_tokens: Callable[[list[Message]], int], budget: int
) -> list[Message]:
    """The messages after cutting as few of the oldest as make them fit `budget` tokens.

    Cuts before a user message only, keeps the system message and the last user message whole, and raises
    PromptTooLong when those alone do not fit. `budget` is the window less the longest reply.
    """
    system = [message for message in messages[:1] if message["role"] == "system"]
    turns = list(messages[len(system) :])
    starts = [index for index, message in enumerate(turns) if message["role"] == "user"] or [0]
    fitting = [*system, *turns[starts[0] :]]
    count = count_tokens(fitting)
    if count <= budget:
        return fitting
    # The count falls with every cut, so halving finds the smallest cut in a few questions to the engine.
    low, high = 1, len(starts)
    best: list[Message] | None = None
    while low < high:
        middle = (low + high) // 2
        candidate = [*system, *turns[starts[middle] :]]
        count_here = count_tokens(candidate)
        if count_here <= budget:
            best, high = candidate, middle
        else:
            count, low = count_here, middle + 1
    if best is None:
        raise PromptTooLong(count, budget)
    return best
