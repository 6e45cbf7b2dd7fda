"""Lists the shipped policies and asks for one, for `rejoinder init`."""

import click

from feedback.deployment.policy import POLICY_FILES, load_policy
from feedback.deployment.tonight import describe_tonight

OFFERED_FIRST = "careful"


def list_shipped() -> list[str]:
    """The names of the shipped policies: the default first, then the others in alphabetical order."""
    return [OFFERED_FIRST, *(name for name in POLICY_FILES.list_shipped() if name != OFFERED_FIRST)]


def ask_policy() -> str:
    """Asks on a terminal for a policy, after showing what each shipped one will do."""
    click.echo("Which policy decides about adapters?")
    for name in list_shipped():
        click.echo(f"  {describe_tonight(load_policy(name))}")
    return str(click.prompt("Policy", type=click.Choice(list_shipped()), default=OFFERED_FIRST))
