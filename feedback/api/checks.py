"""The call that makes a check: a task about what another one has settled."""

from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Write, write
from feedback.api.schemas import Body
from feedback.api.tasks import EXPERTS, TaskState
from feedback.labelling.checking import add_check
from feedback.store.tasks import get_task

bp = Blueprint("checks", __name__)


class NewCheck(Body):
    audience: Literal["crossed", "expert"] = Field(
        description="crossed: labellers who did not label the item; expert: experts."
    )
    n: Annotated[int, Field(ge=1, le=10_000)] = Field(description="About how many items to look at again.")


@write(bp, "/v1/tasks/<task_id>/checks", roles=EXPERTS, body=NewCheck, answer=TaskState)
def start_checks(call: Write, body: NewCheck, task_id: str) -> TaskState:
    """Have some of a task's settled items looked at again, most of them by how unsure they are."""
    task = get_task(call.session, desk_id=call.actor.desk_id, task_id=task_id)
    made = add_check(
        call.session,
        task=task,
        audience=body.audience,
        count=body.n,
        actor=call.actor.agent_name(),
        now=call.now,
    )
    return TaskState(task_id=made.id, state="open")
