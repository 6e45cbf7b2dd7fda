"""Calls about labellers: pause and resume one, leave their labels out and take them in again."""

from collections.abc import Sequence

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Name
from feedback.api.tasks import Kind
from feedback.deployment.approvals import name_person
from feedback.labelling.kinds import KINDS
from feedback.labelling.labellers import PAUSE, RESUME, decide_labeller
from feedback.labelling.trust import restand_items
from feedback.store.exclusions import EXCLUDE, INCLUDE
from feedback.web.services import services

bp = Blueprint("labellers", __name__)


class LabellerDecided(Body):
    reason: Name = Field(description="Why; kept and shown on the page of labellers.")
    kind: Kind | None = Field(None, description="Only in tasks of this kind; null: in all.")


class LabellerNow(Answer):
    labeller: str
    kind: str | None


def decide_call(call: Write, body: LabellerDecided, labeller: str, did: str) -> LabellerNow:
    decide_labeller(
        call.session,
        desk_id=call.actor.desk_id,
        labeller=labeller,
        kind=body.kind,
        did=did,
        actor=name_person(call.session, call.actor),
        reason=body.reason,
        now=call.now,
    )
    if did in (EXCLUDE, INCLUDE):
        call.after_commit(lambda: restand(call, labeller, KINDS if body.kind is None else (body.kind,)))
    return LabellerNow(labeller=labeller, kind=body.kind)


def restand(call: Write, labeller: str, kinds: Sequence[str]) -> None:
    """What their labels had settled is settled or opened again, in tasks that are not closed."""
    found = services()
    for kind in kinds:
        restand_items(
            found.store_engine,
            labellers=[labeller],
            kind=kind,
            clock=found.clock,
            desk_id=call.actor.desk_id,
        )


@write(
    bp,
    "/v1/labellers/<path:labeller>/pause",
    roles=("expert",),
    body=LabellerDecided,
    answer=LabellerNow,
    status=200,
)
def pause_labeller_call(call: Write, body: LabellerDecided, labeller: str) -> LabellerNow:
    """Give a labeller no more items; what they said counts on."""
    return decide_call(call, body, labeller, PAUSE)


@write(
    bp,
    "/v1/labellers/<path:labeller>/resume",
    roles=("expert",),
    body=LabellerDecided,
    answer=LabellerNow,
    status=200,
)
def resume_labeller_call(call: Write, body: LabellerDecided, labeller: str) -> LabellerNow:
    """Give a paused labeller items again."""
    return decide_call(call, body, labeller, RESUME)


@write(
    bp,
    "/v1/labellers/<path:labeller>/exclude",
    roles=("expert",),
    body=LabellerDecided,
    answer=LabellerNow,
    status=200,
)
def exclude_labeller_call(call: Write, body: LabellerDecided, labeller: str) -> LabellerNow:
    """Leave out all labels of a labeller, as if they had not been given."""
    return decide_call(call, body, labeller, EXCLUDE)


@write(
    bp,
    "/v1/labellers/<path:labeller>/include",
    roles=("expert",),
    body=LabellerDecided,
    answer=LabellerNow,
    status=200,
)
def include_labeller_call(call: Write, body: LabellerDecided, labeller: str) -> LabellerNow:
    """Take the labels of a labeller in again that were left out."""
    return decide_call(call, body, labeller, INCLUDE)
