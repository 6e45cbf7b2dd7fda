"""Which replies of an imported conversation people wrote, each with the messages before it: what the
objective `sft` may learn from. Pure.

A reply is all that the desk says in a row after a customer's message. It counts if the export says of each of
its messages that a person wrote it. What was sent here has another origin: judgements tell of it.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from feedback.records.rejections import Refusal
from serving.prompt import Message, build_messages, fit_messages

PERSON, BOT = "person", "bot"  # origins of imported replies
LONGEST = 16_000  # characters of a prompt: an engine leaves out what came long before a reply, too


class SpokenMessage(Protocol):
    """One message of a conversation, as the store has it."""

    @property
    def role(self) -> str: ...

    @property
    def origin(self) -> str | None: ...

    @property
    def text(self) -> str: ...

    @property
    def position(self) -> int: ...


class WrittenReply(NamedTuple):
    """A reply that people wrote. `position`: of its first message."""

    position: int
    prompt: list[Message]
    text: str


def list_replies(messages: Iterable[SpokenMessage]) -> Iterator[WrittenReply | Refusal]:
    """The replies of a conversation, oldest first, and why others are none. What the desk says before the
    first customer is no reply.
    """
    history: list[dict[str, str]] = []
    reply: list[SpokenMessage] = []
    for said in messages:
        if said.role == "customer" and reply:
            yield from settle_reply(history, reply)
            history += [{"role": each.role, "text": each.text} for each in reply]
            reply = []
        if said.role == "customer":
            history.append({"role": said.role, "text": said.text})
        else:
            reply.append(said)
    yield from settle_reply(history, reply)


def settle_reply(
    history: list[dict[str, str]], reply: list[SpokenMessage]
) -> Iterator[WrittenReply | Refusal]:
    if not history or not reply:
        return
    text = "\n".join(said.text for said in reply)
    if any(said.origin != PERSON for said in reply):
        yield Refusal("not_by_person")
    elif not text.strip():
        yield Refusal("blank_text")
    elif not history[-1]["text"].strip():
        yield Refusal("blank_prompt")
    else:
        messages = build_messages(history, system_prompt="")
        prompt = fit_messages(messages, count_tokens=count_characters, budget=LONGEST)
        yield WrittenReply(reply[0].position, prompt, text)


def count_characters(messages: Iterable[Message]) -> int:
    return sum(len(message["content"]) for message in messages)


def name_text(conversation: str, position: int) -> str:
    """The id of a reply in its source."""
    return f"{conversation}/{position}"
