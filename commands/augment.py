"""`rejoinder augment`: asks the helper for texts from which a build makes records."""

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.helper import open_helper
from commands.store import open_store
from feedback.augment.names import BY_HELPER
from feedback.helper.augmenting import ask_children


@click.command("augment")
@frame_options
@click.argument("operation", type=click.Choice(BY_HELPER))
@click.option(
    "--most", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Texts to ask for."
)
@json_option
def command(frame: Frame, operation: str, most: int, as_json: bool) -> None:
    """Let the helper word the last messages of choices otherwise, for the next build.

    It is asked about choices of train of the last dataset, about each once, and then whether the preferred
    reply answers the new message; where it says no, the text is unfit, and no build takes it. A text takes
    two calls, with `back_translate` three. Nothing is trained on these before a build asks for them; no gain
    of them is measured. Without a dataset the exit code is 3.

    \b
    rejoinder augment paraphrase --most 50
    rejoinder dataset build --augment paraphrase
    """
    with open_store(frame) as engine:
        found = ask_children(
            open_helper(frame, engine), engine, data_dir=frame.data_dir, operation=operation, most=most
        )
    if found is None:
        raise NothingToDo("There is no dataset yet: rejoinder dataset build")
    if as_json:
        print_json(found._asdict())
        return
    told = ", ".join(f"{count} {what}" for what, count in sorted(found.said.items()))
    click.echo(f"{told or 'nothing left to ask'}, of dataset {found.dataset[:12]}")
