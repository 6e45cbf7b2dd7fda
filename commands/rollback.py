"""`rejoinder rollback`: serve the previous adapter again, or base. It never waits for a run."""

import click

from commands.deployer import open_deployer
from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.reasons import reason_option, require_reason
from feedback.deployment.deploy import roll_back_adapter
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK


@click.command("rollback")
@frame_options
@reason_option
@json_option
def command(frame: Frame, reason: str, as_json: bool) -> None:
    """Roll back the adapter that serves now.

    \b
    rejoinder rollback --reason "rude to customers"
    """
    with open_deployer(frame) as deployer:
        with read(deployer.store_engine) as session:
            state = serving_state(session, desk_id=DEFAULT_DESK)
        if state.live is None and state.canary is None:
            raise NothingToDo("Only base serves: there is nothing to roll back.")
        done = roll_back_adapter(deployer, actor="command line", reason=require_reason(reason))
    if as_json:
        print_json({"from": done.from_, "to": done.to, "fence": done.fencing_token})
        return
    click.echo(
        f"Rolled back {done.from_}; {done.to or 'base alone'} serves now "
        f"(fencing token {done.fencing_token})."
    )
