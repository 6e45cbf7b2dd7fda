"""ShareGPT: chats as lists of `from` and `value`, with `chosen` and `rejected` or a `label` where somebody
judged. Our other fields stand beside.
"""

from feedback.exports.form import FIELDS, Conversion, ExportForm, KindShape, write_lines
from feedback.exports.trl import list_messages_of, make_talk
from feedback.formats.beside import put_beside
from feedback.formats.jsonl import Body

SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
NOT_HELD = {"meta", "kind", "arm", "adapter", "turns.ts"}


def say_messages(messages: list[Body]) -> list[Body]:
    return [{"from": SPEAKERS[message["role"]], "value": message["content"]} for message in messages]


def make_ranked_line(body: Body) -> Conversion:
    line = {
        "conversations": say_messages(body["prompt"]),
        "chosen": say_messages(body["chosen"])[-1],
        "rejected": say_messages(body["rejected"])[-1],
    }
    return Conversion(line | put_beside(body, "pairs"))


def make_labelled_line(body: Body) -> Conversion:
    chat = say_messages([*body["prompt"], *body["completion"]])
    return Conversion({"conversations": chat, "label": body["label"]} | put_beside(body, "thumbs"))


def make_chat_line(body: Body) -> Conversion:
    chat = say_messages(list_messages_of(body))
    return make_talk(body, {"conversations": chat} | put_beside(body, "conversations"))


SHAREGPT_SHAPES = {
    "pairs": KindShape(make_ranked_line, FIELDS["pairs"] - NOT_HELD),
    "thumbs": KindShape(make_labelled_line, FIELDS["thumbs"] - NOT_HELD),
    "conversations": KindShape(make_chat_line, FIELDS["conversations"] - NOT_HELD),
}
SHAREGPT_LINES = ExportForm(
    name="sharegpt",
    ending="jsonl",
    media_type="application/jsonl",
    shapes=SHAREGPT_SHAPES,
    write=write_lines,
)
