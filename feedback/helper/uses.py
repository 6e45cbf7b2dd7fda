"""What the helper is asked about an item, by the kind of its task, and what its answers say. Pure.

    tag       which of the task's tags fit                      a tag task
    compare   which of two replies is better, in both orders    a compare task
    rate      how good a reply is, from 1 to 5                  a rate task
    filter    whether a text that somebody wrote is right       the checks of a rewrite task

A model that says something else once the replies are exchanged abstains, and so does one that is unsure.
The answers have the form of people's values and follow the same rules.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from feedback.helper.question import HelperQuestion
from feedback.labelling.kinds import CHECK, PREFERENCES, SCORES, VERDICTS, answer_of, check_value
from feedback.records.from_label import COMPARE, RATE, TAG
from feedback.store.tables import Item, Task

USES = {TAG: "tag", COMPARE: "compare", RATE: "rate", CHECK: "filter"}  # by kind of task
KINDS_OF = {use: kind for kind, use in USES.items()}
VERSION = 1  # of the instructions: another one asks anew
OTHER_SIDE = {"a": "b", "b": "a"}

TELLS = {
    TAG: (
        "Say which tags fit the conversation, as a person who tags it would. Name only tags of the schema, "
        "and none where none fits."
    ),
    COMPARE: (
        "Say which reply to the customer's last message is better: a, b, tie where both are equally good, "
        "both_bad where neither may be sent."
    ),
    RATE: (
        "Say how good the reply to the customer's last message is, from 1 (it must not be sent) to 5 (it "
        "could not be better)."
    ),
    CHECK: (
        "`text` was written to replace `reply`. Say whether it may be sent as it is: good, bad, or unsure "
        "where this cannot be told."
    ),
}


def make_questions(task: Task, item: Item) -> list[HelperQuestion]:
    """One question, or both orders of two replies."""
    shown = item.shown
    if task.kind == COMPARE:
        return [_make(task, item, _show(shown, a, b)) for a, b in (("a", "b"), ("b", "a"))]
    material = {"messages": shown["messages"]}
    if task.kind == RATE:
        material |= {"reply": shown["reply"]}
    if task.kind == CHECK:
        material |= {"reply": shown["reply"], "text": shown["claim"]["text"]}
    return [_make(task, item, material)]


def read_values(kind: str, values: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What the answers say together; None where they contradict one another or say that they cannot tell."""
    if kind != COMPARE:
        return values[0] if answer_of(kind, values[0]) is not None else None
    first, second = (value["side"] for value in values)
    return {"side": first} if first == OTHER_SIDE.get(second, second) else None


def make_schema(task: Task) -> dict[str, Any]:
    """The form of a label's value. An enum says which words there are."""
    if task.kind == TAG:
        options = list(task.question["options"])
        named = {"type": "array", "items": {"type": "string", "enum": options}, "maxItems": len(options)}
        return _make_object("tags", named)
    if task.kind == RATE:
        return _make_object("score", {"type": "integer", "enum": list(SCORES)})
    field, words = ("side", PREFERENCES) if task.kind == COMPARE else ("verdict", VERDICTS)
    return _make_object(field, {"type": "string", "enum": list(words)})


def _make_object(field: str, of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {field: of}, "required": [field], "additionalProperties": False}


def _show(shown: Mapping[str, Any], a: str, b: str) -> dict[str, Any]:
    return {"messages": shown["messages"], "a": shown[a], "b": shown[b]}


def _make(task: Task, item: Item, material: Mapping[str, Any]) -> HelperQuestion:
    asked = [TELLS[task.kind], task.question.get("text") or "", task.guideline]
    return HelperQuestion(
        use=USES[task.kind],
        version=VERSION,
        instruction="\n\n".join(part for part in asked if part),
        material=material,
        conversation=item.conversation,
        schema=make_schema(task),
        check=partial(check_value, task.kind, question=task.question, shown=item.shown),
        item_id=item.id,
        judges_replies=task.kind != TAG,
    )
