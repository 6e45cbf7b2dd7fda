"""What TRL's trainers read: preference, unpaired preference, and conversations as messages. Fields that they
do not know stand beside as columns.
"""

import json

from feedback.exports.form import FIELDS, Conversion, ExportForm, KindShape, write_lines
from feedback.formats.beside import put_beside
from feedback.formats.jsonl import Body

CHAT_ROLES = {"customer": "user", "agent": "assistant", "bot": "assistant"}


def pack_meta(body: Body) -> Body:
    """`meta` as JSON, since a column has one type; it is an object of anybody's own."""
    return body | {"meta": json.dumps(body["meta"], ensure_ascii=False)} if "meta" in body else body


def make_trl(kind: str) -> KindShape:
    """Pairs and thumbs are in TRL's conversational form already."""
    held = FIELDS[kind]
    return KindShape(
        lambda body: Conversion(pack_meta({name: body[name] for name in body if name in held})), held
    )


def list_messages_of(body: Body) -> list[Body]:
    return [{"role": CHAT_ROLES[turn["role"]], "content": turn["text"]} for turn in body["turns"]]


def make_talk(body: Body, line: Body) -> Conversion:
    """A line for a conversation in the form of chats, which have one role for agents and bots."""
    is_answered = any(turn["role"] == "agent" for turn in body["turns"])
    return Conversion(line, ("by_whom",) if is_answered else ())


def make_messages_line(body: Body) -> Conversion:
    return make_talk(body, {"messages": list_messages_of(body)} | put_beside(body, "conversations"))


TRL = ExportForm(
    name="trl",
    ending="jsonl",
    media_type="application/jsonl",
    shapes={
        "pairs": make_trl("pairs"),
        "thumbs": make_trl("thumbs"),
        "conversations": KindShape(make_messages_line, FIELDS["conversations"] - {"turns.ts"}),
    },
    write=write_lines,
)
