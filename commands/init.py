"""`rejoinder init`: make the data directory and bring the store to the schema of this version, without
starting anything.
"""

import click

from commands.frame import Frame, NothingToDo, frame_options, json_option, print_json
from commands.store import migrate_store


@click.command("init")
@frame_options
@json_option
def command(frame: Frame, as_json: bool) -> None:
    """Make the data directory and migrate the store. `rejoinder up` does this too.

    \b
    rejoinder init
    rejoinder init --data-dir /srv/rejoinder --config /etc/rejoinder.toml
    """
    before, after = migrate_store(frame)
    if as_json:
        print_json({"data_dir": str(frame.data_dir), "schema_before": before, "schema": after})
    if before == after:
        raise NothingToDo(f"{frame.data_dir} has the schema of this version already ({after}).")
    if not as_json:
        click.echo(f"{frame.data_dir}: store migrated from {before or 'nothing'} to {after}.")
