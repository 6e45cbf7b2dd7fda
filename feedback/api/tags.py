"""Calls about the tree of tags: reading it, adopting strings, every change, and taking a change back."""

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.routes import NoQuery, Read, Write, get, write
from feedback.api.schemas import Answer, Body, Id, TagPath
from feedback.datasets.tagged import list_with_tags
from feedback.errors import NotFound
from feedback.store import tag_changes
from feedback.store.datasets import select_datasets
from feedback.store.definition_changes import list_definition_changes
from feedback.store.tables import DefinitionChange, Tag
from feedback.store.tag_changes import Editor
from feedback.store.tag_counts import TagCount, count_tags_of, count_with_tags
from feedback.store.tags import TAG_KIND, describe_tag, get_tag, list_tags, read_tag_tree, undo_tag_change
from feedback.tags.tree import TagTree
from feedback.web.services import services

bp = Blueprint("tags", __name__)

EXPERT = ("expert",)
MOST_CHANGES, MOST_DATASETS = 50, 1_000
TagName = Annotated[str, StringConstraints(max_length=200)]
Example = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")]


class TagShown(Answer):
    tag_id: str
    path: str = Field(description="Of a merged tag, the path of the tag that it went into.")
    name: str
    parent_id: str | None
    state: str = Field(description="active, merged or retired")
    merged_into: str | None
    title: dict[str, str] = Field(description="By language: en, zh.")
    guideline: str
    examples: list[str]
    patterns: list[str]
    version: int = Field(description="Grows with each change of title, guideline, examples or patterns.")
    aliases: list[str] = Field(description="Strings that mean it.")
    conversations: int = Field(description="With it or a tag below it.")
    records: dict[str, int] = Field(description="Usable ones by split, with it or a tag below it.")


class TagChangeShown(Answer):
    change_id: int
    did: str = Field(description="adopt, add, rename, move, merge, retire, restore, describe or undo")
    named: str = Field(description="The path of the tag before the change.")
    to: str
    actor: str
    at: datetime


class Tags(Answer):
    tags: list[TagShown] = Field(description="In the order of their paths; merged ones last.")
    changes: list[TagChangeShown] = Field(description="The latest, newest first.")


class StringAdopted(Answer):
    string: str
    rows: int = Field(description="Conversations and records that have it.")
    path: str


class AdoptionShown(Answer):
    adopted: list[StringAdopted]
    new_tags: int
    known: int = Field(description="Strings that mean a tag already.")
    left: list[str] = Field(description="Strings that give no path and stay as they are.")
    shared: list[str] = Field(description="Paths that two or more strings become.")


class StringsAdopted(Answer):
    adopted: int = Field(description="Strings that mean a tag from now on.")
    new_tags: int
    change_id: int | None = Field(description="Null if there was nothing to adopt.")


class TagReach(Answer):
    conversations: int
    records: int
    datasets: list[str] = Field(description="Dataset versions that hold a record with it or a tag below it.")


class NewTag(Body):
    tag: TagPath = Field(description="Its path; tags above it that are not there are added, too.")


class NewName(Body):
    name: TagName


class NewParent(Body):
    parent: Id | None = Field(None, description="The id of the tag above it; null for the top.")


class NewMerge(Body):
    into: Id = Field(description="The id of the tag that it becomes a name of.")


class NoMore(Body):
    pass


class NewDescription(Body):
    """What is not named stays as it is."""

    title: dict[Literal["en", "zh"], Annotated[str, StringConstraints(max_length=100)]] | None = None
    guideline: Annotated[str, StringConstraints(max_length=8_000)] | None = None
    examples: Annotated[list[Example], Field(max_length=20)] | None = None
    patterns: Annotated[list[Example], Field(max_length=40)] | None = None


class TagChangeStored(Answer):
    change_id: int | None = Field(description="Null if nothing changed.")


class TagAdded(Answer):
    change_id: int
    tag_id: str


class TagDescribed(Answer):
    version: int


@get(bp, "/v1/tags", roles=EXPERT, answer=Tags)
def list_all_tags(call: Read[NoQuery]) -> Tags:
    """The tree of tags with its counts, and the latest changes."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        tree = read_tag_tree(session, desk_id=desk_id)
        rows = list_tags(session, desk_id=desk_id)
        counts = count_tags_of(session, desk_id=desk_id, tree=tree)
        changes = list_definition_changes(session, desk_id=desk_id, kind=TAG_KIND, limit=MOST_CHANGES)
    order = [*tree.paths, *(id for id in rows if id not in tree.paths)]
    return Tags(
        tags=[show_tag(rows[id], tree, counts) for id in order], changes=[show_change(row) for row in changes]
    )


def show_tag(row: Tag, tree: TagTree, counts: dict[str, TagCount]) -> TagShown:
    path = tree.path_of(row.id)
    count = counts.get(path, TagCount()) if row.id in tree.paths else TagCount()
    told = row.model_dump(include=set(TagShown.model_fields) - {"records", "conversations"})
    return TagShown(
        **told,
        tag_id=row.id,
        path=path,
        aliases=sorted(name for name, id in tree.aliases.items() if id == row.id),
        conversations=count.conversations,
        records=dict(sorted(count.records.items())),
    )


def show_change(row: DefinitionChange) -> TagChangeShown:
    what: dict[str, Any] = row.what
    told = {name: what.get(name, "") for name in ("did", "named", "to")}
    return TagChangeShown(change_id=row.id or 0, actor=row.actor, at=row.created_at, **told)


@get(bp, "/v1/tags/<tag_id>/reach", roles=EXPERT, answer=TagReach)
def show_reach(call: Read[NoQuery], tag_id: str) -> TagReach:
    """What a change of this tag would concern: rows and dataset versions with it or a tag below it."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        get_tag(session, desk_id=desk_id, tag_id=tag_id)
        tree = read_tag_tree(session, desk_id=desk_id)
        strings = tree.expand([tree.path_of(tag_id)])
        conversations, records = count_with_tags(session, desk_id=desk_id, strings=strings)
        versions = [row.id for row in select_datasets(session, desk_id=desk_id, limit=MOST_DATASETS)]
    found = list_with_tags(services().settings.data_dir, versions, strings)
    return TagReach(conversations=conversations, records=records, datasets=found)


@get(bp, "/v1/tag-adoptions", roles=EXPERT, answer=AdoptionShown)
def preview_all(call: Read[NoQuery]) -> AdoptionShown:
    """What would become of the strings that mean no tag yet."""
    with call.read() as session:
        plan = tag_changes.preview_adoption(session, desk_id=call.actor.desk_id)
    return AdoptionShown(
        adopted=[StringAdopted(**vars(each)) for each in plan.adopted],
        new_tags=plan.new_tags,
        known=plan.known,
        left=plan.left,
        shared=plan.shared,
    )


@write(bp, "/v1/tag-adoptions", roles=EXPERT, body=NoMore, answer=StringsAdopted)
def adopt_all(call: Write, body: NoMore) -> StringsAdopted:
    """Make tags of the strings that conversations and records have. No stored string changes."""
    row, plan = tag_changes.adopt_strings(call.session, by=edited_by(call))
    return StringsAdopted(
        adopted=len(plan.adopted), new_tags=plan.new_tags, change_id=row.id if row else None
    )


@write(bp, "/v1/tags", roles=EXPERT, body=NewTag, answer=TagAdded)
def create_tag(call: Write, body: NewTag) -> TagAdded:
    """Add a tag, and those above it that are not there."""
    row = tag_changes.add_tag(call.session, by=edited_by(call), path=body.tag)
    tree = read_tag_tree(call.session, desk_id=call.actor.desk_id)
    return TagAdded(change_id=row.id or 0, tag_id=tree.find(body.tag) or "")


@write(bp, "/v1/tags/<tag_id>/rename", roles=EXPERT, body=NewName, answer=TagChangeStored)
def give_name(call: Write, body: NewName, tag_id: str) -> TagChangeStored:
    """Rename a tag; its paths of before become aliases."""
    return show_done(tag_changes.rename_tag(call.session, by=edited_by(call), tag_id=tag_id, name=body.name))


@write(bp, "/v1/tags/<tag_id>/move", roles=EXPERT, body=NewParent, answer=TagChangeStored)
def give_parent(call: Write, body: NewParent, tag_id: str) -> TagChangeStored:
    """Move a tag with all below it under another one, or to the top."""
    return show_done(
        tag_changes.move_tag(call.session, by=edited_by(call), tag_id=tag_id, parent=body.parent)
    )


@write(bp, "/v1/tags/<tag_id>/merge", roles=EXPERT, body=NewMerge, answer=TagChangeStored)
def merge_two(call: Write, body: NewMerge, tag_id: str) -> TagChangeStored:
    """Make a tag another name of a second one, which takes over what lies below it."""
    return show_done(tag_changes.merge_tag(call.session, by=edited_by(call), tag_id=tag_id, into=body.into))


@write(bp, "/v1/tags/<tag_id>/retire", roles=EXPERT, body=NoMore, answer=TagChangeStored)
def retire_one(call: Write, body: NoMore, tag_id: str) -> TagChangeStored:
    """Retire a tag: it is proposed no more, and its strings keep their meaning."""
    return show_done(tag_changes.retire_tag(call.session, by=edited_by(call), tag_id=tag_id))


@write(bp, "/v1/tags/<tag_id>/restore", roles=EXPERT, body=NoMore, answer=TagChangeStored)
def restore_one(call: Write, body: NoMore, tag_id: str) -> TagChangeStored:
    """Use a retired or merged tag again."""
    return show_done(tag_changes.restore_tag(call.session, by=edited_by(call), tag_id=tag_id))


@write(bp, "/v1/tags/<tag_id>/describe", roles=EXPERT, body=NewDescription, answer=TagDescribed)
def say_meaning(call: Write, body: NewDescription, tag_id: str) -> TagDescribed:
    """Say what a tag means, and which words propose it."""
    said = body.model_dump(exclude={"event_id"}, exclude_none=True)
    row = describe_tag(call.session, tag_id=tag_id, **vars(edited_by(call)), **said)
    return TagDescribed(version=row.version)


@write(bp, "/v1/tag-changes/<change_id>/undo", roles=EXPERT, body=NoMore, answer=TagChangeStored)
def undo_change(call: Write, body: NoMore, change_id: str) -> TagChangeStored:
    """Take a change of the tree back, while nothing was built on it."""
    if not change_id.isascii() or not change_id.isdigit() or len(change_id) > 9:
        raise NotFound("change", change_id)
    return show_done(undo_tag_change(call.session, change_id=int(change_id), **vars(edited_by(call))))


def edited_by(call: Write) -> Editor:
    return Editor(call.actor.desk_id, call.actor.name, call.now)


def show_done(row: DefinitionChange | None) -> TagChangeStored:
    return TagChangeStored(change_id=row.id if row else None)
