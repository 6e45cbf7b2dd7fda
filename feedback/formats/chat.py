"""Reads the messages of a chat in the many forms that tools have for them, as `{"role", "content"}` with our
four roles.

A picture, sound or file becomes a mark in the text and never a reason to drop the message; a call of a tool
becomes its JSON. `split_reply` and the like say what of a chat is the prompt.
"""

import json
from collections.abc import Sequence
from typing import Any

from feedback.canonical import canonical_hash
from feedback.formats.fields import FieldFault, find_field, take_field
from feedback.formats.format import Made

Chat = list[dict[str, str]]
ROLES = {
    **dict.fromkeys(("user", "human", "customer", "prompter", "client", "end-user", "enduser"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "agent", "bot", "chatgpt", "model", "ai", "function_call"), "assistant"
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "api"), "tool"),
}
MARKS = (("image", "picture"), ("audio", "audio"), ("video", "video"), ("file", "file"))
ROLE_FIELDS = ("role", "from", "author", "speaker")
TEXT_FIELDS = ("content", "value", "text")


def is_chat(value: Any) -> bool:
    """Whether it looks like a list of messages; an empty list does not."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return False
    return any(name in value[0] for name in ROLE_FIELDS)


def take_chat(body: Any, path: str) -> Chat:
    """The messages at a path. A text is one message of the user."""
    value = take_field(body, path, object)
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise FieldFault(f"wrong_type:{path}", f"{type(value).__name__} is no list of messages")
    return [read_message(message, path) for message in value]


def read_reply(body: Any, path: str) -> Chat:
    """The messages of one side at a path. A text is one message of the assistant."""
    value = take_field(body, path, object)
    return [{"role": "assistant", "content": value}] if isinstance(value, str) else take_chat(body, path)


def read_message(message: Any, path: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise FieldFault(f"wrong_type:{path}", "a message is no object")
    named = next((message[name] for name in ROLE_FIELDS if message.get(name) is not None), None)
    role = ROLES.get(named.strip().lower()) if isinstance(named, str) else None
    if role is None:
        raise FieldFault("unknown_role", f"role {str(named)[:40]!r}")
    content = next((message[name] for name in TEXT_FIELDS if message.get(name) is not None), None)
    texts = [read_content(content, path), write_calls(message)]
    return {"role": role, "content": "\n".join(text for text in texts if text)}


def read_content(content: Any, path: str) -> str:
    """The text of a message: as it is, none, or its parts one under another."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise FieldFault(f"wrong_type:{path}", f"the content of a message is {type(content).__name__}")
    return "\n".join(read_part(part, path) for part in content)


def read_part(part: Any, path: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise FieldFault(f"wrong_type:{path}", "a part of a message is no object")
    text = part.get("text")
    if isinstance(text, str):
        return text
    kind = str(part.get("type"))
    mark = next((mark for name, mark in MARKS if name in kind), "file")
    return write_mark(mark, find_field(part, "name", str) or "")


def write_mark(kind: str, name: str) -> str:
    """What stands for something that is not text, as in conversations that an app hands over."""
    name = " ".join(name.split())[:200]
    return f"[{kind}: {name}]" if name else f"[{kind}]"


def write_calls(message: dict[str, Any]) -> str:
    """The tools that an assistant's message calls, as JSON, one a line."""
    calls = message.get("tool_calls") or ([message["function_call"]] if message.get("function_call") else [])
    if not isinstance(calls, list):
        raise FieldFault("wrong_type:tool_calls", "it is no list")
    called = [call.get("function", call) if isinstance(call, dict) else call for call in calls]
    return "\n".join(json.dumps(call, ensure_ascii=False, sort_keys=True) for call in called)


def split_reply(chat: Chat) -> tuple[Chat, Chat]:
    """The prompt and the last message, which is the reply."""
    if not chat or chat[-1]["role"] != "assistant":
        raise FieldFault("no_reply", "the last message is not the assistant's")
    return chat[:-1], chat[-1:]


def count_equal(first: Chat, second: Chat) -> int:
    """How many messages two chats share from their beginning."""
    pairs = zip(first, second, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def split_shared(first: Chat, second: Chat) -> tuple[Chat, Chat, Chat]:
    """The prompt that two chats share, and what is left of each: at least its last message."""
    shared = min(count_equal(first, second), len(first) - 1, len(second) - 1)
    if shared < 0:
        raise FieldFault("no_reply", "a side is empty")
    return first[:shared], first[shared:], second[shared:]


def make_labelled(kind: str, body: dict[str, Any], **known: Any) -> Made:
    """A choice, pair or thumb. One that names no conversation shares it with all that have its prompt, so
    that one prompt is in one split.
    """
    made = body | {name: value for name, value in known.items() if value is not None}
    made.setdefault("conversation", f"prompt:{canonical_hash(made['prompt'])[:16]}")
    return Made(kind, made)


def make_turns(chat: Sequence[dict[str, str]]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """The messages of a chat as those of a conversation: of customer and bot only, and none blank. A chat
    does not say whether a person wrote the assistant's part.
    """
    roles = {"user": "customer", "assistant": "bot"}
    spoken = [message for message in chat if message["role"] in roles]
    turns = [
        {"role": roles[message["role"]], "text": message["content"]}
        for message in spoken
        if message["content"].strip()
    ]
    notes = {f"{message['role']}_left_out" for message in chat if message["role"] not in roles}
    notes |= {"blank_left_out"} if len(turns) < len(spoken) else set()
    return turns, tuple(sorted(notes))
