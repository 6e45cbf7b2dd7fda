"""How a command can fail, one class for each exit code, and how an exception becomes one of them."""

from typing import Any

import click

PACKAGES = ("serving", "feedback", "trainer", "demo", "commands")


class CommandFailed(click.ClickException):
    """The command was understood but could not be done. Exit code 1."""

    exit_code = 1


class SettingsWrong(click.ClickException):
    """Unusable settings; the message lists all faults at once. Exit code 2, like a wrong option."""

    exit_code = 2


class NothingToDo(click.ClickException):
    """Everything is already as requested. Exit code 3, so that scripts can tell it from a change."""

    exit_code = 3

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file)


def explain_error(fault: Exception) -> Exception:
    """The click error for an exception of our packages, which says what to do; others stay as they are."""
    name = type(fault)
    if isinstance(fault, click.ClickException | click.exceptions.Exit | click.Abort):
        return fault
    if name.__name__ == "SettingsFault":
        return SettingsWrong(str(fault))
    if name.__module__.split(".")[0] in PACKAGES:
        hint = getattr(fault, "hint", "")
        return CommandFailed(f"{fault}\n{hint}" if hint else str(fault))
    if name.__name__ in ("OperationalError", "DatabaseError") and name.__module__.startswith("sqlalchemy"):
        reason = str(getattr(fault, "orig", fault)).strip().splitlines()[0]
        if name.__name__ == "DatabaseError":
            return CommandFailed(f"The store is damaged: {reason}\nRestore a backup (deploy/restore.sh).")
        return CommandFailed(
            f"The store does not answer: {reason}\nCheck [feedback] database_url, then `rejoinder doctor`."
        )
    return fault
