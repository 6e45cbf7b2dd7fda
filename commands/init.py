"""`rejoinder init`: make the data directory and bring the store to the schema of this version, without
starting anything.
"""

from typing import TextIO

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import migrate_store, open_store
from feedback.clock import SystemClock
from feedback.store.desks import add_system_prompt
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK


@click.command("init")
@frame_options
@click.option(
    "--system-prompt",
    type=click.File("r", encoding="utf-8"),
    default=None,
    help="File with the text that every prompt begins with; kept as a new version.",
)
@json_option
def command(frame: Frame, system_prompt: TextIO | None, as_json: bool) -> None:
    """Make the data directory and migrate the store. `rejoinder up` does this too.

    \b
    rejoinder init
    rejoinder init --system-prompt prompt.txt
    rejoinder init --data-dir /srv/rejoinder --config /etc/rejoinder.toml
    """
    before, after = migrate_store(frame)
    version = add_prompt(frame, system_prompt.read().strip()) if system_prompt is not None else None
    if as_json:
        found = {
            "data_dir": str(frame.data_dir),
            "schema_before": before,
            "schema": after,
            "system_prompt": version,
        }
        print_json(found)
    if before == after and version is None:
        raise NothingToDo(f"{frame.data_dir} has the schema of this version already ({after}).")
    if not as_json and before != after:
        click.echo(f"{frame.data_dir}: store migrated from {before or 'nothing'} to {after}.")
    if not as_json and version is not None:
        click.echo(f"System prompt: version {version} is in force for new sets.")


def add_prompt(frame: Frame, text: str) -> int:
    with open_store(frame) as engine, unit_of_work(engine) as session:
        return add_system_prompt(session, desk_id=DEFAULT_DESK, text=text, now=SystemClock().now()).version
