"""`rejoinder dataset`: build an immutable dataset from the records, and list the datasets."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from commands.counts import count_nouns
from commands.dataset_counts import tell_counts
from commands.duplicates import warn_of_losses
from commands.errors import CommandFailed
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import show_work
from commands.store import open_store
from feedback.augment.names import OPERATIONS
from feedback.clock import SystemClock
from feedback.datasets.build import Selection, build_dataset
from feedback.datasets.check import check_dataset
from feedback.datasets.diff import COUNTED_BY
from feedback.datasets.difficulty import QUARTERS
from feedback.datasets.duplicates_report import read_duplicates_report
from feedback.datasets.layout import dataset_dir
from feedback.datasets.movements import diff_datasets
from feedback.lineage.graph import Scope
from feedback.lineage.reuse import AdapterResult, SupportRate, find_reuse
from feedback.store.datasets import select_datasets
from feedback.store.derived_records import count_stale, renew_all
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK, Dataset

EXAMPLES = 5  # of each side that the terminal shows


@click.group("dataset")
def command() -> None:
    """Build an immutable dataset from what came in; list the datasets.

    \b
    rejoinder dataset build --source star
    rejoinder dataset list
    """


@command.command("build")
@frame_options
@click.option(
    "--source", "sources", multiple=True, help="Only records of this source; may be repeated  [default: all]."
)
@click.option(
    "--tag", "tags", multiple=True, help="Only records with this tag or one below it; may be repeated."
)
@click.option(
    "--without-tag",
    "without_tags",
    multiple=True,
    help="No record with this tag or one below it; may be repeated.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="Only records in this language; `zh` takes `zh-CN`, too; may be repeated.",
)
@click.option(
    "--difficulty",
    callback=lambda context, parameter, text: read_quarters(text),
    metavar="N|N-M",
    help="Only records of these quarters, from 1, the easiest for the base, to 4, by language.",
)
@click.option(
    "--augment",
    callback=lambda context, parameter, text: read_operations(text),
    metavar="NAME[,NAME]",
    help=f"Make children of choices of train by these operations: {', '.join(OPERATIONS)}  [default: none].",
)
@click.option(
    "--since", type=click.DateTime(), default=None, help="Only records from this UTC day or time on."
)
@json_option
def build(frame: Frame, since: datetime | None, as_json: bool, **wishes: Any) -> None:
    """Build a dataset and print its id as the last line. Equal records give an equal id.

    \b
    rejoinder dataset build
    rejoinder dataset build --language zh --without-tag spam --difficulty 3-4
    rejoinder dataset build --augment synonym,order
    ID=$(rejoinder dataset build --source star --tag hotel | tail -n 1)
    """
    selection = Selection(since=since.replace(tzinfo=UTC) if since else None, **wishes)
    with open_store(frame) as engine, show_work("preparing", "records", quiet=as_json) as work:
        info = build_dataset(
            engine,
            desk_id=DEFAULT_DESK,
            data_dir=frame.data_dir,
            selection=selection,
            clock=SystemClock(),
            on_record=lambda step, done, total: work.report(done, total, step=step),
        )
    if as_json:
        print_json({"id": info.id, "counts": info.counts, "refusals": info.refusals, "path": str(info.path)})
        return
    for line in tell_counts(info.counts):
        click.echo(line, err=True)
    for reason, count in sorted(info.refusals.items()):
        click.echo(f"{count:>8}  refused: {reason}", err=True)
    found = read_duplicates_report(info.path)
    for line in warn_of_losses(found) if found else ():
        click.echo(f"Warning: {line}", err=True)
    click.echo(info.id)


def read_quarters(text: str | None) -> tuple[int, ...]:
    """`3-4` as (3, 4). Raises BadParameter."""
    first, _, last = (text or "").partition("-")
    names = [str(quarter) for quarter in QUARTERS]
    if text is None:
        return ()
    if first not in names or (last or first) not in names or int(last or first) < int(first):
        raise click.BadParameter(f"{text!r} is neither a number from 1 to 4 nor two of them such as 3-4.")
    return tuple(range(int(first), int(last or first) + 1))


def read_operations(text: str | None) -> tuple[str, ...]:
    """`synonym,order` as a tuple. Raises BadParameter."""
    names = tuple(filter(None, (text or "").split(",")))
    unknown = [name for name in names if name not in OPERATIONS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(OPERATIONS)}.")
    return tuple(dict.fromkeys(names))


def flatten(counts: dict[str, Any], prefix: str = "") -> list[tuple[str, int]]:
    """`{"pairs": {"train": 3}}` as `[("pairs train", 3)]`."""
    rows: list[tuple[str, int]] = []
    for name, value in counts.items():
        rows += (
            flatten(value, f"{prefix}{name} ") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
        )
    return rows


@command.command("list")
@frame_options
@json_option
def list_(frame: Frame, as_json: bool) -> None:
    """List datasets, newest first.

    \b
    rejoinder dataset list --json
    """
    with open_store(frame) as engine, read(engine) as session:
        rows = select_datasets(session, desk_id=DEFAULT_DESK)
    if as_json:
        print_json({"datasets": [row.model_dump(mode="json") for row in rows]})
        return
    for row in rows:
        shown = ", ".join(f"{count} {what}" for what, count in flatten(row.counts)[:6])
        click.echo(f"{row.id[:16]}  {row.created_at:%Y-%m-%d %H:%M}  {shown}")
    if not rows:
        click.echo("No datasets yet: rejoinder dataset build")


@command.command("diff")
@frame_options
@click.argument("old")
@click.argument("new")
@json_option
def diff(frame: Frame, old: str, new: str, as_json: bool) -> None:
    """Show which records came in and which left from dataset OLD to NEW, and why.

    \b
    rejoinder dataset diff 3f2a91 77b0c4
    rejoinder dataset diff 3f2a91 77b0c4 --json | jq '.left.by.why'

    The reason is the one that holds today: `new` since OLD was built, `not_selected`, `gone` with its import,
    the code of a refusal, the state of its source, or `by_rule` (copies, twins of held-out prompts).
    """
    with open_store(frame) as engine:
        ids = [find_dataset(engine, name).id for name in (old, new)]
        found = diff_datasets(engine, data_dir=frame.data_dir, desk_id=DEFAULT_DESK, old=ids[0], new=ids[1])
    if as_json:
        print_json({"a": ids[0], "b": ids[1]} | found.to_json())
        return
    click.echo(f"In both: {count_nouns(found.kept, 'record')}.")
    for title, movement in (("Came in", found.came), ("Left", found.left)):
        click.echo(f"\n{title}: {count_nouns(movement.total, 'record')}.")
        for name in COUNTED_BY:
            for value, count in movement.by[name].most_common():
                click.echo(f"{count:>8}  {name} {value or '–'}")
        for moved in movement.examples[:EXAMPLES]:
            click.echo(f"          {moved.form} {moved.source}/{moved.id}  {moved.split}  {moved.why}")
    for code, (before, after) in found.refusals.items():
        click.echo(f"refused {code}: {before} before, {after} now")
    for moved in found.resplit:
        click.echo(
            f"in another split: {moved.form} {moved.source}/{moved.id}, {moved.why} before, {moved.split} now"
        )


@command.command("check")
@frame_options
@click.argument("dataset")
@json_option
def check(frame: Frame, dataset: str, as_json: bool) -> None:
    """Check the files of DATASET: an id, its first characters, or a directory. Exit code 1 on a fault.

    \b
    rejoinder dataset check 3f2a91
    rejoinder dataset check var/datasets/3f2a91...

    Faults are files that are not those of the manifest, a conversation in two splits, and a leak: a record
    whose prompt is like one in a split held out from its own.
    """
    directory = Path(dataset)
    if not directory.is_dir():
        with open_store(frame) as engine:
            directory = dataset_dir(frame.data_dir, find_dataset(engine, dataset).id)
    faults = check_dataset(directory)
    if as_json:
        print_json({"path": str(directory), "faults": [fault.to_json() for fault in faults]})
    elif not faults:
        click.echo("The files are those of the manifest, no conversation is in two splits, nothing leaks.")
    for fault in () if as_json else faults:
        click.echo(f"{fault.words}: {fault.count}")
        for example in fault.examples:
            click.echo(f"          {', '.join(' in '.join(filter(None, place)) for place in example)}")
    if faults:
        raise CommandFailed(f"{directory.name} is not to be used: build the dataset again.")


@command.command("reuse")
@frame_options
@click.argument("dataset")
@json_option
def reuse(frame: Frame, dataset: str, as_json: bool) -> None:
    """Show which versions hold records of DATASET, too, by tag, and what the adapters from them reached.

    \b
    rejoinder dataset reuse 3f2a91
    rejoinder dataset reuse 3f2a91 --json | jq '.tags'
    """
    with open_store(frame) as engine:
        scope = Scope(engine, frame.data_dir, DEFAULT_DESK)
        found = find_reuse(scope, find_dataset(engine, dataset).id)
    if as_json:
        print_json(found.to_json())
        return
    for version in found.versions:
        click.echo(f"{version.id[:16]}  {version.shared} of its {count_nouns(version.records, 'record')}")
        for result in version.adapters:
            click.echo(f"{'':16}  {result.name}  {result.state}  {show_rate(result.support)}")
    for tag in found.tags:
        reached = [show_tag_rate(found.results[name], tag.tag) for name in tag.adapters]
        click.echo(
            f"tag {tag.tag or '–'}: in {count_nouns(tag.versions, 'version')}  {', '.join(reached)}".rstrip()
        )


def show_rate(support: SupportRate) -> str:
    return "no picks yet" if support.rate is None else f"support {support.rate:.0%} of {support.picks} picks"


def show_tag_rate(result: AdapterResult, tag: str) -> str:
    by_tag = result.support_by_tag.get(tag)
    return f"{result.name} ({show_rate(by_tag) if by_tag else 'no picks yet'})"


@command.command("rederive")
@frame_options
@json_option
def rederive(frame: Frame, as_json: bool) -> None:
    """Make the training records of judgements and thumbs again, if older rules made them or they are missing.

    \b
    rejoinder dataset rederive

    The service may go on meanwhile, and what is interrupted goes on where it was. Every build does the same
    first.
    """
    with open_store(frame) as engine, show_work("renewing", "records", quiet=as_json) as work:
        with read(engine) as session:
            stale = count_stale(session)
        renew_all(engine, on_page=lambda count: work.report(work.done + count, stale, step="renewing"))
    if as_json:
        print_json({"renewed": stale})
        return
    told = f"Renewed {count_nouns(stale, 'record')}." if stale else "All records are of the rules of today."
    click.echo(told)


def find_dataset(engine: Engine, name: str) -> Dataset:
    """The dataset whose id begins with this text of at least six characters; only one may match."""
    with read(engine) as session:
        rows = select_datasets(session, desk_id=DEFAULT_DESK, limit=100_000)
    found = [row for row in rows if row.id == name or (len(name) >= 6 and row.id.startswith(name))]
    if len(found) != 1:
        what = "no dataset" if not found else f"{len(found)} datasets"
        raise CommandFailed(f"There is {what} {name!r}: `rejoinder dataset list` names them.")
    return found[0]
