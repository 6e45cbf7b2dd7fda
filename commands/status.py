"""`rejoinder status`: what runs, what serves, what came in. It reads the store and asks the engine."""

from typing import Any

import click
from sqlmodel import Session, func, select

from commands.frame import Frame, frame_options, json_option, print_json
from commands.instance import is_running, read_holder
from commands.report import describe_morning
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.drift.watch import watch_now
from feedback.morning.gather import say_now
from feedback.records.derived import IMPORT, JUDGEMENT, THUMB
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.runs import count_by_state, latest_run
from feedback.store.tables import DEFAULT_DESK, Conversation, Dataset, Record
from serving.client.endpoint import read_endpoints, read_second_engine
from serving.client.fleet import Fleet
from serving.errors import ServingError


@click.command("status")
@frame_options
@json_option
def command(frame: Frame, as_json: bool) -> None:
    """Show the present state, what to do, what runs and serves, and what came in.

    \b
    rejoinder status
    rejoinder status --json | jq .serving
    """
    found = collect_status(frame)
    if as_json:
        print_json(found)
        return
    for line in describe_morning(found):
        click.echo(line)
    holder = found["running"]
    click.echo(f"running    {holder.get('address', 'starting') if holder else 'no: rejoinder up'}")
    click.echo(f"engine     {found['engine']}")
    if found["second_engine"] is not None:
        click.echo(f"second     {found['second_engine']}")
    serving = found["serving"]
    canary = f", canary {serving['canary']} for {serving['share']:.0%}" if serving["canary"] else ""
    click.echo(
        f"serving    live {serving['live'] or 'base alone'}{canary} (fencing token {serving['fence']})"
    )
    for name, states in (("runs", found["runs"]), ("rows", found["rows"])):
        click.echo(
            f"{name:<10} " + (", ".join(f"{count} {what}" for what, count in states.items()) or "none")
        )
    if found["last_run"]:
        run = found["last_run"]
        click.echo(
            f"last run   {run['id']} {run['state']} {run['adapter'] or ''} {run['decision'] or ''}".rstrip()
        )


def collect_status(frame: Frame) -> dict[str, Any]:
    engine_line, now = ask_engine(frame), SystemClock().now()
    with open_store(frame) as engine, read(engine) as session:
        state = serving_state(session, desk_id=DEFAULT_DESK)
        last = latest_run(session, desk_id=DEFAULT_DESK)
        return {
            "morning": say_now(session, frame.outlook(), now=now).to_json(),
            "drift": watch_now(session, now=now).to_json(),
            "data_dir": str(frame.data_dir),
            "running": read_holder(frame.data_dir) if is_running(frame.data_dir) else None,
            "engine": engine_line,
            "second_engine": describe_second(frame),
            "serving": {
                "live": state.live,
                "canary": state.canary,
                "share": state.share,
                "fence": state.fencing_token,
            },
            "runs": count_by_state(session, desk_id=DEFAULT_DESK),
            "last_run": last.model_dump(mode="json") if last else None,
            "rows": count_status_rows(session),
        }


def count_status_rows(session: Session) -> dict[str, int]:
    """Rows of each kind. An undone judgement still counts; a reply with several thumbs counts once."""
    rows = {
        f"{table.__name__.lower()}s": session.exec(select(func.count()).select_from(table)).one()
        for table in (Conversation, Dataset)
    }
    by_origin = select(Record.origin_kind, func.count()).group_by(Record.origin_kind)
    origins = dict(session.exec(by_origin).all())
    for name, origin in (("judgements", JUDGEMENT), ("thumbs", THUMB), ("records", IMPORT)):
        rows[name] = origins.get(origin, 0)
    return rows


def ask_engine(frame: Frame) -> str:
    """One line about the engine: the names it serves, or why it does not answer."""
    try:
        return "serves " + ", ".join(list_served(frame))
    except ServingError as fault:
        return str(fault).splitlines()[0]


def describe_second(frame: Frame) -> str | None:
    """What the second engine does; None where no checkpoint is wanted."""
    found = read_second_engine(frame.data_dir)
    return str(found) if found is not None else None


def list_served(frame: Frame) -> list[str]:
    """The names that the engine serves. Raises ServingError if it does not answer."""
    settings = frame.serving()
    second = read_second_engine(frame.data_dir)
    fleet = Fleet.from_endpoints(read_endpoints(settings, frame.data_dir), settings, second)
    try:
        return fleet.list_models()
    finally:
        fleet.close()
