"""Open WebUI's feedback: a rating of one message, with the tree of messages that it stands in. It becomes a
thumb; its prompt is the path from the root to the message.
"""

from collections.abc import Iterator

from feedback.formats.chat import Chat, make_labelled, read_message
from feedback.formats.fields import FieldFault, find_field, find_id, find_texts, take_named
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

# An export has the chat inside a chat; a published description has it one level higher.
TREES = ("snapshot.chat.chat.history.messages", "snapshot.chat.history.messages")
LONGEST = 2_000  # messages on one path, so that a circle ends


def recognise_openwebui(body: Body) -> bool:
    return isinstance(body.get("data"), dict) and isinstance(body.get("snapshot"), dict) and "meta" in body


def read_openwebui(body: Body) -> Iterator[Converted]:
    rating = find_field(body, "data.rating", object)
    if rating not in (1, -1) or isinstance(rating, bool):
        raise FieldFault(
            "unclear_label" if rating is not None else "not_judged", f"rating {str(rating)[:40]!r}"
        )
    chat = read_path(find_tree(body), find_id(body, "meta.message_id"))
    at = find_time(body, "created_at")
    reason, comment = find_field(body, "data.reason", str), find_field(body, "data.comment", str)
    yield make_labelled(
        "thumbs",
        {"prompt": chat[:-1], "completion": chat[-1:], "label": rating == 1},
        id=find_id(body, "id"),
        conversation=find_id(body, "meta.chat_id"),
        annotator=find_id(body, "user_id"),
        at=at.isoformat() if at else None,
        reasons=[reason] if reason else None,
        comment=comment or None,
        tags=find_texts(body, "data.tags"),
    )


def find_tree(body: Body) -> Body:
    tree = next((found for place in TREES if (found := find_field(body, place, dict))), None)
    if tree is None:
        raise FieldFault("no_prompt", "the snapshot holds no messages")
    return tree


def read_path(tree: Body, message_id: str | None) -> Chat:
    """The messages from the root of the tree to this one."""
    path: Chat = []
    while message_id is not None and len(path) < LONGEST:
        message = take_named(tree, message_id, dict, place="message")
        path.append(read_message(message, "messages"))
        message_id = find_id(message, "parentId")
    if not path or path[0]["role"] != "assistant":
        raise FieldFault("no_reply", "what was rated is no message of the assistant")
    return path[::-1]


OPENWEBUI = Format("Open WebUI feedback", recognise_openwebui, read_openwebui, "openwebui")
