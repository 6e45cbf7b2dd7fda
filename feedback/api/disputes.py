"""The call by which an expert decides a dispute, having seen what others said."""

from flask import Blueprint
from pydantic import Field

from feedback.api.labels import LabelText, Value
from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body
from feedback.labelling.disputes import adjudicate
from feedback.labelling.labeller import labeller_of

bp = Blueprint("disputes", __name__)


class Adjudication(Body):
    value: Value
    text: LabelText | None = Field(None, description="Kind rewrite: what the reply should say.")


class Adjudicated(Answer):
    label_id: str


@write(bp, "/v1/items/<item_id>/adjudication", roles=("expert",), body=Adjudication, answer=Adjudicated)
def adjudicate_call(call: Write, body: Adjudication, item_id: str) -> Adjudicated:
    """Settle a dispute; the label says that the others' answers were seen."""
    label = adjudicate(
        call.session,
        desk_id=call.actor.desk_id,
        item_id=item_id,
        labeller=labeller_of(call.actor),
        value=body.value.told(),
        text=body.text,
        now=call.now,
    )
    return Adjudicated(label_id=label.id)
