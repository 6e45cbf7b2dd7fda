"""`rejoinder advise`: what would help, and what is wrong with a run: one paragraph, its figures, the next
command.
"""

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.advice.gather import advise_now, advise_on_run
from feedback.advice.said import Advice
from feedback.clock import SystemClock
from feedback.errors import NotFound, RunNotEnded
from feedback.store.engine import read
from feedback.store.run_history import find_latest_ended
from feedback.store.runs import FINISHED, get_run
from feedback.store.tables import DEFAULT_DESK, Run

LATEST = "latest"


@click.command("advise")
@frame_options
@click.argument("run", default=None, required=False)
@json_option
def command(frame: Frame, run: str | None, as_json: bool) -> None:
    """Say what would help: another prompt, more data, fine-tuning, preferences, or nothing; or what is wrong
    with RUN.

    Without RUN it goes by what people did; with one by its losses and its report. `latest` is the run that
    ended last. docs/advice.md tells the rules with their numbers.

    \b
    rejoinder advise
    rejoinder advise latest
    rejoinder advise --json | jq .figures
    """
    advice = read_advice(frame, run)
    if as_json:
        print_json(advice.to_json())
        return
    told = advice.to_json()
    click.echo(told["text"])
    for name, value in told["figures"].items():
        if value is not None:
            click.echo(f"  {name:<20} {value}")
    click.echo(f"next: {told['command']}")


def read_advice(frame: Frame, run: str | None) -> Advice:
    """Raises UsageError for an unknown run, RunNotEnded, NothingToDo before a first run."""
    outlook = frame.outlook()
    with open_store(frame) as engine, read(engine) as session:
        if run is None:
            return advise_now(session, outlook, now=SystemClock().now())
        found: Run | None
        if run == LATEST:
            found = find_latest_ended(session, desk_id=DEFAULT_DESK)
            if found is None:
                raise NothingToDo("No run has ended yet: `rejoinder train --now` makes one.")
        else:
            try:
                found = get_run(session, desk_id=DEFAULT_DESK, run_id=run)
            except NotFound as unknown:
                raise click.UsageError(
                    f"No run has the id {run!r}. `rejoinder status` and the console list them."
                ) from unknown
        if found.state not in FINISHED:
            raise RunNotEnded(found.id, found.state)
        return advise_on_run(session, found, outlook)
