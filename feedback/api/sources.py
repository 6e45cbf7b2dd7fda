"""Calls about sources: list and describe them, pause, resume or withdraw one, give one a grade."""

from datetime import datetime
from typing import Literal

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import Answer, Body, Language, Name, Query
from feedback.deployment.approvals import name_person
from feedback.deployment.model_cards import refresh_cards
from feedback.store.source_views import list_source_views, read_source_view
from feedback.store.sources import change_source_state, describe_source, override_grade
from feedback.web.services import services

bp = Blueprint("sources", __name__)


class SourceDescribed(Body):
    name: Name = Field(description="Its name, as its records have it.")
    kind: Literal["public", "user", "expert", "model", "crowd"] | None = Field(
        None, description="Guessed where it is not given and the source is new."
    )
    owner: Name | None = None
    licence: Name | None = None
    language: Language | None = None
    note: Name | None = None


class SourceStateGiven(Body):
    state: Literal["active", "paused", "withdrawn"]
    reason: Name = Field(description="Why; kept and shown in the source's history.")


class SourceGradeGiven(Body):
    grade: Literal["A", "B", "C", "D"] | None = Field(
        None, description="Holds instead of the computed one; null takes it back."
    )
    reason: Name = Field(description="Why; kept and shown in the source's history.")


class GradePart(Answer):
    of: int = Field(description="Number of cases; below 30 the part is left out.")
    share: float


class GradeShown(Answer):
    grade: str | None = Field(description="The one that holds: given, else computed; null below 30 cases.")
    computed: str | None
    given: str | None
    quality: float | None = Field(description="The geometric mean of the parts.")
    parts: dict[str, GradePart]
    why: str


class SourceShown(Answer):
    name: str
    kind: str
    owner: str | None
    licence: str | None = Field(description="Null: not known.")
    language: str | None
    note: str | None
    state: str
    folder: str | None
    created_at: datetime
    records: dict[str, int] = Field(description="What the store holds of it, by form.")
    accepted: int = Field(description="Lines accepted by all its imports that stand.")
    refused: int
    grade: GradeShown | None = Field(description="Null for what people do here.")


class SourceList(Answer):
    sources: list[SourceShown] = Field(description="By name.")


class SourceNow(Answer):
    source: str = Field(description="Its name.")
    kind: str
    state: str
    grade: str | None


@get(bp, "/v1/sources", roles=("expert",), answer=SourceList)
def list_sources_call(call: Read[Query]) -> SourceList:
    """All sources with their state, counts and grade."""
    with call.read() as session:
        found = list_source_views(session, desk_id=call.actor.desk_id)
        return SourceList(sources=[SourceShown(**view.to_json()) for view in found])


@write(bp, "/v1/sources", roles=("expert",), body=SourceDescribed, answer=SourceNow)
def describe_source_call(call: Write, body: SourceDescribed) -> SourceNow:
    """Register a source, or say more of one that is there: what is left out stays."""
    values = body.model_dump(exclude={"event_id", "name"}, exclude_none=True)
    person = name_person(call.session, call.actor)
    describe_source(
        call.session,
        desk_id=call.actor.desk_id,
        name=body.name,
        values=values,
        actor=person,
        now=call.now,
    )
    return _show_now(call, body.name)


@write(
    bp,
    "/v1/sources/<path:source>/state",
    roles=("admin",),
    body=SourceStateGiven,
    answer=SourceNow,
    status=200,
)
def change_state_call(call: Write, body: SourceStateGiven, source: str) -> SourceNow:
    """Pause, withdraw or resume a source, with the reason. Its records stay."""
    person = name_person(call.session, call.actor)
    told = {"name": source, "state": body.state, "actor": person, "reason": body.reason}
    change_source_state(call.session, desk_id=call.actor.desk_id, now=call.now, **told)
    found, desk_id = services(), call.actor.desk_id
    call.after_commit(lambda: refresh_cards(found.store_engine, found.settings.data_dir, desk_id=desk_id))
    return _show_now(call, source)


@write(
    bp,
    "/v1/sources/<path:source>/grade",
    roles=("admin",),
    body=SourceGradeGiven,
    answer=SourceNow,
    status=200,
)
def override_grade_call(call: Write, body: SourceGradeGiven, source: str) -> SourceNow:
    """Give a source a grade that holds instead of the computed one, or take it back, with the reason."""
    person = name_person(call.session, call.actor)
    override_grade(
        call.session,
        desk_id=call.actor.desk_id,
        name=source,
        grade=body.grade,
        actor=person,
        reason=body.reason,
        now=call.now,
    )
    return _show_now(call, source)


def _show_now(call: Write, name: str) -> SourceNow:
    view = read_source_view(call.session, desk_id=call.actor.desk_id, name=name)
    grade = view.grade.in_force if view.grade else None
    return SourceNow(source=view.row.name, kind=view.row.kind, state=view.row.state, grade=grade)
