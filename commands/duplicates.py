"""`rejoinder duplicates`: what the last dataset build found out about copies, twins and contradictions. It
only reads.
"""

import click

from commands.errors import CommandFailed, NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.datasets.duplicates_report import ContradictionSide, DuplicatesReport, find_last_report
from feedback.store.tables import DEFAULT_DESK


@click.command("duplicates")
@frame_options
@click.option("--source", default=None, help="Only what concerns records of this source.")
@json_option
def command(frame: Frame, source: str | None, as_json: bool) -> None:
    """Show the copies, twins and contradictions that the last dataset build found.

    Copies are refused, twins of held-out prompts are left out of train, and contradictions stay.
    Near-duplicates are found by their characters, not by their meaning. Without a build the exit code is 3.

    \b
    rejoinder duplicates
    rejoinder duplicates --source star
    rejoinder duplicates --json | jq '.contradictions'
    """
    with open_store(frame) as engine:
        found = find_last_report(engine, desk_id=DEFAULT_DESK, data_dir=frame.data_dir)
    if found is None:
        raise NothingToDo("No build has looked for duplicates yet: rejoinder dataset build")
    dataset, report = found
    if source is not None:
        if source not in report.read:
            read_from = ", ".join(sorted(report.read))
            raise CommandFailed(f"The last build read no record of {source!r}, but of {read_from}.")
        report = report.of_source(source)
    if as_json:
        print_json({"dataset": dataset.id, "built_at": dataset.created_at, **report.model_dump(mode="json")})
        return
    click.echo(f"Dataset {dataset.id[:16]}, {dataset.created_at:%Y-%m-%d %H:%M}")
    print_findings(report)


def print_findings(report: DuplicatesReport) -> None:
    for copies in report.copies:
        click.echo(f"{copies.records:>8}  copies in {copies.refused}, kept in {copies.kept}")
    for twins in report.twins_by_source:
        click.echo(
            f"{twins.records:>8}  of {twins.name} left out of {twins.split}: twins of held-out prompts"
        )
    for line in warn_of_losses(report):
        click.echo(f" warning  {line}")
    if report.listed:
        click.echo(
            f"{report.contradictions:>8}  contradictions in all, of which {len(report.listed)} are named:"
        )
    for sides in report.listed:
        click.echo("contradiction: " + " against ".join(name_side(side) for side in sides))
    if not (report.copies or report.twins_by_source or report.listed):
        click.echo("No copies, no twins, no contradictions.")


def warn_of_losses(report: DuplicatesReport) -> list[str]:
    """A sentence for each source that lost most of its records."""
    return [
        f"{lost.source} lost {lost.copies} of {lost.read} records as copies, most of them to {lost.winner}: "
        "it is probably the same data under another name."
        for lost in report.losing
    ]


def name_side(side: ContradictionSide) -> str:
    named = ", ".join(f"{record.form}:{record.name}" for record in side.records)
    more = side.count - len(side.records)
    return f"{named} and {more} more" if more else named
