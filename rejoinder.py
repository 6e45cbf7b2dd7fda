"""Rejoinder's command line, and the place where a newcomer starts reading.

Each sub-command is one file in commands/ with a click command named `command`; its module is imported only
when it is called for. What `rejoinder up` starts: commands/up/up.py. What happens to one reply:
docs/lifecycle.md.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 nothing to do.
"""

from importlib import import_module

import click

from commands.errors import explain_error

# Module and summary of each: the list of `rejoinder --help` imports none of them.
COMMANDS = {
    "up": ("commands.up.up", "Start everything on this machine and print the addresses."),
    "init": ("commands.init", "Make the data directory, migrate the store and choose the policy."),
    "doctor": (
        "commands.doctor",
        "Look at libraries, memory, base model, disk, port, proxy, limits, helper, store, schema, engine and "
        "adapters.",
    ),
    "status": (
        "commands.status",
        "Show the present state, what to do, what runs and serves, and what came in.",
    ),
    "token": ("commands.token", "Create, list and revoke API tokens."),
    "sign-in": ("commands.sign_in", "Print a one-time sign-in link for the user NAME (default: admin)."),
    "import": ("commands.import_", "Bring files of many tools into the store."),
    "source": (
        "commands.source",
        "Where records come from: list and describe sources, pause, withdraw, resume and grade them.",
    ),
    "export": ("commands.export", "Take DATASET, or the whole store, away in the form of another tool."),
    "dataset": ("commands.dataset", "Build an immutable dataset from what came in; list the datasets."),
    "duplicates": (
        "commands.duplicates",
        "Show the copies, twins and contradictions that the last dataset build found.",
    ),
    "data": ("commands.data", "Show what is there of each tag and source, and what to collect next."),
    "tag": (
        "commands.tag",
        "Show and change the tree of tags above the strings of conversations and records.",
    ),
    "campaign": ("commands.campaign", "Collect picks on purpose: start, end, resume and list campaigns."),
    "task": (
        "commands.task",
        "Let people label: add tasks, fill them with items, open, pause and close them.",
    ),
    "helper": (
        "commands.helper",
        "The strong model that may help people label: whether it answers, is trusted, and what it writes.",
    ),
    "augment": (
        "commands.augment",
        "Let the helper word the last messages of choices otherwise, for the next build.",
    ),
    "train": ("commands.train", "Request a run from the worker: collect, train, evaluate, gate, publish."),
    "evaluate": (
        "commands.evaluate",
        "Score ADAPTER: nats per choice and accuracy beside uniform, slot, length and base.",
    ),
    "advise": (
        "commands.advise",
        "Say what would help: another prompt, more data, fine-tuning, preferences, or nothing; or what is "
        "wrong with RUN.",
    ),
    "report": (
        "commands.report",
        "Tell what to do now, and what RUN met, did and decided; `latest` is the last one that ended.",
    ),
    "gate": (
        "commands.gate",
        "Explain the gate: every limit with its value, before anybody saw the adapter and on people's picks.",
    ),
    "duel": (
        "commands.duel",
        "Compare an adapter blind with the base, or with another adapter, on prompts that neither has seen.",
    ),
    "rebase": (
        "commands.rebase.rebase",
        "Move to another base model: train on it from all data, compare it blind, switch on evidence.",
    ),
    "promote": ("commands.promote", "Make ADAPTER live: it is loaded, probed, and serves the next set."),
    "rollback": ("commands.rollback", "Roll back the adapter that serves now."),
    "lineage": ("commands.lineage", "Show where ID comes from and what came of it."),
    "erase": ("commands.erase", "Erase texts, token ids and comments; ids, states and times stay."),
    "simulate": (
        "commands.simulate",
        "Let simulated agents with a taste judge sets, and train on what they picked.",
    ),
}


class LazyGroup(click.Group):
    """Finds a sub-command's module by name, and turns the errors of our packages into one line and an exit
    code.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=summary).get_short_help_str(room))
                    for name, (_, summary) in COMMANDS.items()
                ]
            )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(found, click.Command)
        return found

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as fault:
            raise explain_error(fault) from fault


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rejoinder")
def main() -> None:
    """Collect what people think of a support assistant's replies and turn it, every night, into a better
    assistant.

    `rejoinder up` starts everything on this machine; `rejoinder COMMAND --help` shows examples.
    """


if __name__ == "__main__":
    main()
