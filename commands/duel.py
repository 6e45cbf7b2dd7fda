"""`rejoinder duel`: start a blind duel, list the duels, show one. Judging is done in the console."""

import secrets
from typing import Any
from uuid import uuid4

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.duels.read import DuelView, read_duel, read_duels
from feedback.duels.start import SEED_LIMIT, Wish, start_duel
from feedback.morning.words import EFFECTS
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK

NOBODY = "command line"  # a name for the log that belongs to no judge


@click.group("duel")
def command() -> None:
    """Compare an adapter blind with the base, or with another adapter, on prompts that neither has seen.

    \b
    rejoinder duel start tuned-20260101-1 --prompts 50
    rejoinder duel list
    rejoinder duel show ID --json | jq .result.rate
    """


@command.command("start")
@click.argument("adapter")
@click.option("--against", "rival", default=None, help="Another adapter  [default: the base].")
@click.option("--prompts", "wanted", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--name", default=None, help="Shown in the list  [default: both contenders].")
@click.option("--tag", default=None, help="Only prompts with this tag or one below it.")
@frame_options
@json_option
def start_duel_command(
    frame: Frame,
    adapter: str,
    rival: str | None,
    wanted: int,
    name: str | None,
    tag: str | None,
    as_json: bool,
) -> None:
    """Start a duel and print its id as the last line. The running web generates the replies.

    \b
    rejoinder duel start tuned-20260102-1 --against tuned-20260101-1 --prompts 30
    rejoinder duel start tuned-20260102-1 --tag billing
    """
    with open_store(frame) as engine:
        duel = start_duel(
            engine,
            Wish(str(uuid4()), adapter, rival, wanted, name, tag),
            data_dir=frame.data_dir,
            desk_id=DEFAULT_DESK,
            actor=NOBODY,
            seed=secrets.randbelow(SEED_LIMIT),
            now=SystemClock().now(),
        )
    if as_json:
        print_json({"id": duel.id, "state": duel.state, "wanted": duel.wanted})
    else:
        click.echo(f"Judge it in the console at /console/duels/{duel.id}", err=True)
        click.echo(duel.id)


@command.command("list")
@frame_options
@json_option
def list_duels_command(frame: Frame, as_json: bool) -> None:
    """List duels, newest first. Rates of open duels stay hidden.

    \b
    rejoinder duel list --json
    """
    with open_store(frame) as engine, read(engine) as session:
        views = read_duels(session, desk_id=DEFAULT_DESK, judge=NOBODY, limit=100)
        told = [to_duel_json(view) for view in views]
    if as_json:
        print_json({"duels": told})
        return
    for one in told:
        click.echo(f"{one['id']}  {one['state']:<7}  {describe_rate(one):<24}  {one['name']}")
    if not told:
        raise NothingToDo("No duels yet: rejoinder duel start ADAPTER")


@command.command("show")
@click.argument("duel_id")
@frame_options
@json_option
def show_duel_command(frame: Frame, duel_id: str, as_json: bool) -> None:
    """Show how far a duel is; once it is closed, its support rate.

    \b
    rejoinder duel show 3f2a91c0-...
    """
    with open_store(frame) as engine, read(engine) as session:
        told = to_duel_json(read_duel(session, desk_id=DEFAULT_DESK, duel_id=duel_id, judge=NOBODY))
    if as_json:
        print_json(told)
        return
    click.echo(f"{told['name']}: {told['state']}{', ' + told['error'] if told['error'] else ''}")
    click.echo("rounds: " + ", ".join(f"{count} {state}" for state, count in told["rounds"].items()))
    if told["result"]:
        result = told["result"]
        names = ("won", "lost", "tied", "both_bad", "unjudged")
        click.echo(f"support rate: {describe_rate(told)}")
        click.echo("judged: " + ", ".join(f"{result[name]} {name}" for name in names))


def to_duel_json(view: DuelView) -> dict[str, Any]:
    told = {"id", "name", "state", "error", "adapter", "rival", "arm", "wanted"}
    return {
        **view.duel.model_dump(include=told),
        "rounds": view.rounds,
        "judges": view.judges,
        "created_at": view.duel.created_at.isoformat(),
        "result": view.result.to_json() if view.result else None,
    }


def describe_rate(told: dict[str, Any]) -> str:
    result = told["result"]
    if result is None or result["rate"] is None:
        return "-"
    return f"{result['rate']:.1%} ({result['low']:.1%} to {result['high']:.1%}), {EFFECTS[result['band']]}"
