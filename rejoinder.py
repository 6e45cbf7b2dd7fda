"""Rejoinder's command line, and the place where a newcomer starts reading.

Each sub-command is one file in commands/ with a click command named `command`; its module is imported only
when it is called for. What `rejoinder up` starts: commands/up/up.py. What happens to one reply:
docs/lifecycle.md.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 nothing to do.
"""

from importlib import import_module

import click

from commands.frame import explain

COMMANDS = {
    "up": "commands.up.up",
    "init": "commands.init",
    "doctor": "commands.doctor",
    "status": "commands.status",
    "token": "commands.token",
    "sign-in": "commands.sign_in",
    "import": "commands.import_",
    "export": "commands.export",
    "dataset": "commands.dataset",
    "train": "commands.train",
    "evaluate": "commands.evaluate",
    "report": "commands.report",
    "gate": "commands.gate",
    "duel": "commands.duel",
    "promote": "commands.promote",
    "rollback": "commands.rollback",
    "lineage": "commands.lineage",
    "simulate": "commands.simulate",
}


class LazyGroup(click.Group):
    """Finds a sub-command's module by name, and turns the errors of our packages into one line and an exit
    code.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(COMMANDS[cmd_name]).command
        assert isinstance(found, click.Command)
        return found

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as fault:
            raise explain(fault) from fault


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rejoinder")
def main() -> None:
    """Collect what people think of a support assistant's replies and turn it, every night, into a better
    assistant.

    `rejoinder up` starts everything on this machine; `rejoinder COMMAND --help` shows examples.
    """


if __name__ == "__main__":
    main()
