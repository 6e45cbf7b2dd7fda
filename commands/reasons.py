"""The reason for a change: from the option, else asked for on a terminal."""

import sys

import click

reason_option = click.option("--reason", default="", help="Why; kept and shown. Asked for on a terminal.")


def is_asked() -> bool:
    """Whether a person at a terminal can answer."""
    return sys.stdin.isatty()


def require_reason(given: str) -> str:
    """The reason, which must not be blank. Raises UsageError if there is none and nobody can be asked."""
    reason = given.strip()
    while not reason:
        if not is_asked():
            raise click.UsageError("--reason is missing: say why. It is kept and shown with what you do.")
        reason = str(click.prompt("Why")).strip()
    return reason
