"""`rejoinder tag`: the tree of tags, adopting the strings that are there, and every change of the tree."""

from typing import Any

import click
from sqlmodel import Session

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.store import tag_changes
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, DefinitionChange
from feedback.store.tag_changes import Editor
from feedback.store.tag_counts import TagCount, count_tags_of
from feedback.store.tags import find_tag, read_tag_tree, undo_tag_change
from feedback.tags.adoption import Adoption
from feedback.tags.tree import ACTIVE

ACTOR = "command line"
SHOWN_STRINGS = 40


@click.group("tag")
def command() -> None:
    """Show and change the tree of tags above the strings of conversations and records.

    \b
    rejoinder tag adopt --dry-run
    rejoinder tag list
    rejoinder tag merge topic/refund billing/refund
    """


def by_now() -> Editor:
    return Editor(DEFAULT_DESK, ACTOR, SystemClock().now())


def find_id_of(session: Session, name: str) -> str:
    return find_tag(session, desk_id=DEFAULT_DESK, name=name)


@command.command("list")
@frame_options
@json_option
def list_tree(frame: Frame, as_json: bool) -> None:
    """List the tags with their conversations and usable records, those below included.

    \b
    rejoinder tag list --json | jq '.tags[] | select(.records.train > 100) | .path'
    """
    with open_store(frame) as engine, read(engine) as session:
        tree = read_tag_tree(session, desk_id=DEFAULT_DESK)
        counts = count_tags_of(session, desk_id=DEFAULT_DESK, tree=tree)
    paths = {path: tree.nodes[id].state for id, path in tree.paths.items()}
    strings = sorted(set(counts) - set(paths))
    if as_json:
        tags = [{"path": path, "state": state, **show_count(counts, path)} for path, state in paths.items()]
        print_json(
            {"tags": tags, "strings": [{"string": each, **show_count(counts, each)} for each in strings]}
        )
        return
    for path, state in paths.items():
        count = counts.get(path, TagCount())
        told = "" if state == ACTIVE else f"  ({state})"
        click.echo(f"{count.conversations:>8} {count.records.total():>8}  {path}{told}")
    if strings:
        click.echo(f"{len(strings)} strings mean no tag yet: rejoinder tag adopt --dry-run")
    elif not paths:
        click.echo("No tags yet: rejoinder tag add PATH")


def show_count(counts: dict[str, TagCount], name: str) -> dict[str, Any]:
    count = counts.get(name, TagCount())
    return {"conversations": count.conversations, "records": dict(sorted(count.records.items()))}


@command.command("add")
@click.argument("path")
@frame_options
def add_tag_command(frame: Frame, path: str) -> None:
    """Add the tag PATH, and those above it that are not there.

    \b
    rejoinder tag add billing/refund
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = tag_changes.add_tag(session, by=by_now(), path=path)
    say_done(row, f"Added {path}.")


@command.command("adopt")
@frame_options
@click.option("--dry-run", is_flag=True, help="Change nothing; show what would become of each string.")
@json_option
def adopt_tag_command(frame: Frame, dry_run: bool, as_json: bool) -> None:
    """Make tags of the strings that conversations and records have: a:b and a/b become b below a.

    \b
    rejoinder tag adopt --dry-run
    rejoinder tag adopt
    """
    with open_store(frame) as engine:
        if dry_run:
            with read(engine) as session:
                row, plan = None, tag_changes.preview_adoption(session, desk_id=DEFAULT_DESK)
        else:
            with unit_of_work(engine) as session:
                row, plan = tag_changes.adopt_strings(session, by=by_now())
    if as_json:
        print_json({**vars(plan), "edit": None, "adopted": [vars(each) for each in plan.adopted]})
        return
    print_adoption(plan)
    if row is not None:
        say_done(row, f"{len(plan.adopted)} strings mean {plan.new_tags} new tags.")
    elif not dry_run:
        raise NothingToDo("Every string means a tag already.")


def print_adoption(plan: Adoption) -> None:
    for each in plan.adopted[:SHOWN_STRINGS]:
        click.echo(f"{each.rows:>8}  {each.string} -> {each.path}")
    if len(plan.adopted) > SHOWN_STRINGS:
        click.echo(f"          and {len(plan.adopted) - SHOWN_STRINGS} more (--json lists all)")
    for path in plan.shared:
        click.echo(f"          two or more strings become {path}")
    for string in plan.left:
        click.echo(f"          {string!r} stays a string")


@command.command("rename")
@click.argument("tag")
@click.argument("name")
@frame_options
def rename_tag_command(frame: Frame, tag: str, name: str) -> None:
    """Give TAG the name NAME; its paths of before become aliases.

    \b
    rejoinder tag rename domain/hotel lodging
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = tag_changes.rename_tag(session, by=by_now(), tag_id=find_id_of(session, tag), name=name)
    say_done(row, f"Renamed {tag} to {name}.")


@command.command("move")
@click.argument("tag")
@click.argument("parent", required=False)
@frame_options
def move_tag_command(frame: Frame, tag: str, parent: str | None) -> None:
    """Move TAG with all below it under PARENT, or to the top.

    \b
    rejoinder tag move refund billing
    rejoinder tag move billing/refund
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        above = find_id_of(session, parent) if parent else None
        row = tag_changes.move_tag(session, by=by_now(), tag_id=find_id_of(session, tag), parent=above)
    say_done(row, f"Moved {tag} to {parent or 'the top'}.")


@command.command("merge")
@click.argument("tag")
@click.argument("into")
@frame_options
def merge_tag_command(frame: Frame, tag: str, into: str) -> None:
    """Make TAG another name of INTO, which takes over what lies below it.

    \b
    rejoinder tag merge topic/refund billing/refund
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = tag_changes.merge_tag(
            session, by=by_now(), tag_id=find_id_of(session, tag), into=find_id_of(session, into)
        )
    say_done(row, f"Merged {tag} into {into}.")


@command.command("retire")
@click.argument("tag")
@frame_options
def retire_tag_command(frame: Frame, tag: str) -> None:
    """Retire TAG: it is proposed no more, and its strings keep their meaning.

    \b
    rejoinder tag retire domain/taxi
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = tag_changes.retire_tag(session, by=by_now(), tag_id=find_id_of(session, tag))
    say_done(row, f"Retired {tag}.")


@command.command("restore")
@click.argument("tag")
@frame_options
def restore_tag_command(frame: Frame, tag: str) -> None:
    """Use a retired TAG again. A merge is taken back with `undo`.

    \b
    rejoinder tag restore domain/taxi
    """
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = tag_changes.restore_tag(session, by=by_now(), tag_id=find_id_of(session, tag))
    say_done(row, f"Restored {tag}.")


@command.command("undo")
@click.argument("change", type=int)
@frame_options
def undo_tag_command(frame: Frame, change: int) -> None:
    """Take back the change with the number CHANGE, while nothing was built on it.

    \b
    rejoinder tag undo 12
    """
    by = by_now()
    with open_store(frame) as engine, unit_of_work(engine) as session:
        row = undo_tag_change(session, change_id=change, **vars(by))
    say_done(row, f"Took back change {change}.")


def say_done(row: DefinitionChange | None, words: str) -> None:
    if row is None:
        raise NothingToDo("Nothing changed: it is so already.")
    click.echo(f"{words} `rejoinder tag undo {row.id}` takes it back.")
