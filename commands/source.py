"""`rejoinder source`: where records come from: list and describe sources, pause, withdraw, resume, grade."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click
from sqlmodel import Session

from commands.counts import count_nouns
from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.reasons import reason_option, require_reason
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.deployment.model_cards import refresh_cards
from feedback.sources.grade import GRADES
from feedback.sources.kinds import GIVEN_KINDS
from feedback.store.engine import read, unit_of_work
from feedback.store.source_views import SourceView, list_source_views, read_source_view
from feedback.store.sources import STATES, change_source_state, describe_source, override_grade
from feedback.store.tables import DEFAULT_DESK

ACTOR = "command line"
AS_COMPUTED = "computed"
Change = Callable[[Session, datetime], object]


@click.group("source")
def command() -> None:
    """Where records come from: list and describe sources, pause, withdraw, resume and grade them.

    \b
    rejoinder source list
    rejoinder source add helpdesk --kind user --licence "own data"
    rejoinder source state helpdesk paused --reason "the export cuts texts off"
    rejoinder source grade helpdesk C --reason "read 50 records, 12 were wrong"
    """


@command.command("list")
@frame_options
@json_option
def list_sources_command(frame: Frame, as_json: bool) -> None:
    """List the sources: kind, state, records, refused lines, licence, grade and why.

    \b
    rejoinder source list
    rejoinder source list --json | jq '.sources[] | select(.state != "active").name'
    """
    with open_store(frame) as engine, read(engine) as session:
        found = list_source_views(session, desk_id=DEFAULT_DESK)
    if as_json:
        print_json({"sources": [view.to_json() for view in found]})
        return
    for view in found:
        for line in describe_view(view):
            click.echo(line)


def describe_view(view: SourceView) -> Iterator[str]:
    row, grade = view.row, view.grade
    records = count_nouns(sum(view.held.values()), "record")
    licence = f", licence {row.licence or 'unknown'}" if grade else ""
    yield f"{row.name}  {row.kind}, {row.state}, {records}, {view.counts.refused} refused{licence}"
    if grade is not None:
        given = f" (given by a person; {grade.computed or 'none'} by its figures)" if grade.given else ""
        named = f"grade {grade.in_force}{given}: " if grade.in_force else ""
        yield f"  {named}{grade.to_json()['why']}"


@command.command("add")
@frame_options
@click.argument("name")
@click.option("--kind", type=click.Choice(GIVEN_KINDS), default=None, help="What it is  [default: guessed].")
@click.option("--owner", default=None, help="Who answers for it.")
@click.option("--licence", default=None, help="Under which terms it may be used.")
@click.option("--language", default=None, help="A code such as en or zh.")
@click.option("--note", default=None, help="Anything else to know.")
@json_option
def add_source_command(
    frame: Frame,
    name: str,
    kind: str | None,
    owner: str | None,
    licence: str | None,
    language: str | None,
    note: str | None,
    as_json: bool,
) -> None:
    """Register the source NAME, or say more of one that an import has registered.

    \b
    rejoinder source add star --licence "MIT" --language en
    """
    told = {"kind": kind, "owner": owner, "licence": licence, "language": language, "note": note}
    values = {field: value for field, value in told.items() if value is not None}

    def describe(session: Session, now: datetime) -> None:
        describe_source(session, desk_id=DEFAULT_DESK, name=name, values=values, actor=ACTOR, now=now)

    with changed(frame, describe, name) as view:
        say_changed(view, as_json)


@command.command("state")
@frame_options
@click.argument("name")
@click.argument("state", type=click.Choice(STATES))
@reason_option
@json_option
def change_state_command(frame: Frame, name: str, state: str, reason: str, as_json: bool) -> None:
    """Pause, withdraw or resume (active) the source NAME.

    A paused or withdrawn one takes no import, and no dataset takes its records. They stay in the store. What
    holds records of a withdrawn one says so. Exit code 3 if it is in that state already.

    \b
    rejoinder source state star withdrawn --reason "the licence ended"
    rejoinder source state star active --reason "it was renewed"
    """
    with open_store(frame) as engine, read(engine) as session:
        if read_source_view(session, desk_id=DEFAULT_DESK, name=name).row.state == state:
            raise NothingToDo(f"{name} is {state} already.")
    why = require_reason(reason)

    def change(session: Session, now: datetime) -> None:
        told = {"name": name, "state": state, "actor": ACTOR, "reason": why}
        change_source_state(session, desk_id=DEFAULT_DESK, now=now, **told)

    with changed(frame, change, name) as view:
        say_changed(view, as_json)


@command.command("grade")
@frame_options
@click.argument("name")
@click.argument("grade", type=click.Choice((*GRADES, AS_COMPUTED)))
@reason_option
@json_option
def override_grade_command(frame: Frame, name: str, grade: str, reason: str, as_json: bool) -> None:
    """Give the source NAME a grade that holds instead of the computed one; `computed` takes it back.

    Records of a source with C weigh half; those of one with D go into a dataset only where it names the
    source.

    \b
    rejoinder source grade star A --reason "checked 100 of its records"
    rejoinder source grade star computed --reason "the check was of an older file"
    """
    given, why = None if grade == AS_COMPUTED else grade, require_reason(reason)

    def change(session: Session, now: datetime) -> None:
        told = {"name": name, "actor": ACTOR, "reason": why}
        override_grade(session, desk_id=DEFAULT_DESK, grade=given, now=now, **told)

    with changed(frame, change, name) as view:
        say_changed(view, as_json)


@contextmanager
def changed(frame: Frame, change: Change, name: str) -> Iterator[SourceView]:
    """The source after a change in one transaction; cards of adapters that learned from it are renewed."""
    with open_store(frame) as engine:
        with unit_of_work(engine) as session:
            change(session, SystemClock().now())
        refresh_cards(engine, frame.data_dir, desk_id=DEFAULT_DESK)
        with read(engine) as session:
            yield read_source_view(session, desk_id=DEFAULT_DESK, name=name)


def say_changed(view: SourceView, as_json: bool) -> None:
    if as_json:
        print_json(view.to_json())
        return
    for line in describe_view(view):
        click.echo(line)
