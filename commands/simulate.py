"""`rejoinder simulate`: simulates nights with agents against the running service, through HTTP only."""

from typing import Any

import click

from commands.errors import CommandFailed
from commands.frame import Frame, frame_options, json_option, print_json
from commands.instance import is_running, read_holder
from commands.progress import show_work
from commands.store import open_store
from demo.run_words import describe_end
from demo.simulate import Night, NightProgress, run_simulation
from feedback.clock import SystemClock
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from feedback.store.users import create_token


@click.command("simulate")
@frame_options
@click.option("--nights", type=click.IntRange(1), default=2, show_default=True, help="Nightly runs to play.")
@click.option(
    "--sets", type=click.IntRange(1), default=300, show_default=True, help="Sets judged each night."
)
@click.option("--seed", default=1, show_default=True, help="Another seed gives other people and customers.")
@click.option(
    "--workers", type=click.IntRange(1), default=4, show_default=True, help="Agents at work at once."
)
@click.option(
    "--url", default=None, help="Service to play against  [default: the one in the data directory]."
)
@click.option("--token", default=None, envvar="REJOINDER_TOKEN", help="Admin token; needed with --url.")
@json_option
def command(
    frame: Frame,
    nights: int,
    sets: int,
    seed: int,
    workers: int,
    url: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Let simulated agents with a taste judge sets, and train on what they picked.

    `rejoinder up` must run. After the last night one more round of fresh sets measures its adapter.

    \b
    rejoinder simulate --nights 2 --sets 300
    """
    url, token = find_service(frame, url, token)
    with show_work("night 1", "sets", quiet=as_json) as work:

        def show(doing: NightProgress) -> None:
            work.report(doing.done, doing.total, step=f"night {doing.night}: {doing.step}")

        played = run_simulation(
            url=url, token=token, nights=nights, sets=sets, seed=seed, workers=workers, on_progress=show
        )
    if as_json:
        print_json({"nights": [describe_night(night) for night in played]})
    else:
        show_nights(played)


def find_service(frame: Frame, url: str | None, token: str | None) -> tuple[str, str]:
    """Address and admin token of the service; for an instance on this machine a token is created."""
    if url is not None:
        if token is None:
            raise click.UsageError("--url needs --token (or REJOINDER_TOKEN) of role admin.")
        return url, token
    address = read_holder(frame.data_dir).get("address") if is_running(frame.data_dir) else None
    if address is None:
        raise CommandFailed(f"Nothing runs in {frame.data_dir}: start `rejoinder up` first.")
    if token is None:
        with open_store(frame) as engine, unit_of_work(engine) as session:
            now = SystemClock().now()
            token = create_token(session, desk_id=DEFAULT_DESK, name="simulation", role="admin", now=now)
    return str(address), token


def describe_night(night: Night) -> dict[str, Any]:
    """The results of one night as plain values."""
    return {
        "night": night.number,
        "adapter": night.adapter,
        "run": night.run,
        "judgements": night.judgements,
        "unanswered": night.unanswered,
        "seconds": round(night.seconds, 1),
        "support": night.support,
    }


def show_nights(played: list[Night]) -> None:
    click.echo(f"{'night':<6}{'adapter':<22}{'decision':<10}{'judged':>7}{'support':>9}   on fresh sets")
    for night in played:
        support = night.support or {}
        rate = support.get("rate")
        shown = f"{rate:.1%}" if isinstance(rate, float) else "-"
        counted = support.get("counted", "-")
        judged = sum(night.judgements.values())
        decision = night.run.get("decision") or night.run["state"]
        click.echo(
            f"{night.number:<6}{night.adapter or '-':<22}{decision:<10}{judged:>7}{shown:>9}   {counted}"
        )
        if decision != "passed":
            click.echo(f"      {describe_end(night.run)}")
