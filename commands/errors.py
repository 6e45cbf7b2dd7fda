"""How a command ends when it does not succeed: one class for each exit code."""

from typing import Any

import click


class CommandFailed(click.ClickException):
    """The command was understood and could not be done. Exit code 1."""

    exit_code = 1


class SettingsWrong(click.ClickException):
    """Settings that cannot be used, all of them told at once. Exit code 2, as for a wrong option."""

    exit_code = 2


class NothingToDo(click.ClickException):
    """All is as it should be already. Exit code 3, so that scripts can tell it from a change."""

    exit_code = 3

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file)
