"""`rejoinder promote`: make an adapter that passed the gate the live one, now."""

import click

from commands.deployer import open_deployer
from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.reasons import reason_option, require_reason
from feedback.deployment.deploy import publish_canary
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK


@click.command("promote")
@frame_options
@click.argument("adapter")
@reason_option
@json_option
def command(frame: Frame, adapter: str, reason: str, as_json: bool) -> None:
    """Make ADAPTER live: it is loaded, probed, and serves the next set. Ends a canary.

    \b
    rejoinder promote tuned-20260101-1 --reason "70 % of 200 picks"
    """
    with open_deployer(frame) as deployer:
        with read(deployer.store_engine) as session:
            state = serving_state(session, desk_id=DEFAULT_DESK)
        if state.live == adapter and state.canary is None:
            raise NothingToDo(f"{adapter} is live already.")
        fencing_token = publish_canary(
            deployer,
            adapter,
            role="live",
            expected_token=state.fencing_token,
            actor="command line",
            reason=require_reason(reason),
        )
    if as_json:
        print_json({"live": adapter, "fence": fencing_token})
        return
    click.echo(f"{adapter} is live (fencing token {fencing_token}).")
