"""OpenAI's fine-tuning files: chats and preferences. Every field that a line may have is its own, so nothing
of ours stands beside.
"""

from feedback.exports.form import Conversion, ExportForm, KindShape, write_lines
from feedback.exports.trl import list_messages_of, make_talk
from feedback.formats.jsonl import Body

PAIR_FIELDS = frozenset(
    f"{name}{inner}" for name in ("prompt", "chosen", "rejected") for inner in ("", ".role", ".content")
)
TURN_FIELDS = frozenset({"turns", "turns.role", "turns.text"})


def make_preference(body: Body) -> Conversion:
    sides = {"preferred_output": body["chosen"], "non_preferred_output": body["rejected"]}
    return Conversion({"input": {"messages": body["prompt"]}} | sides)


def make_chat(body: Body) -> Conversion:
    return make_talk(body, {"messages": list_messages_of(body)})


OPENAI = ExportForm(
    name="openai",
    ending="jsonl",
    media_type="application/jsonl",
    shapes={
        "pairs": KindShape(make_preference, PAIR_FIELDS),
        "conversations": KindShape(make_chat, TURN_FIELDS),
    },
    write=write_lines,
    is_even=False,
)
