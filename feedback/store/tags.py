"""The tree of tags in the store: reading it, changing it, and taking a change back. No commit.

Every change locks the desk first, so that two that are made at once follow each other, and is kept with its
edit in `change`. Keyword-only, session first.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, func, select

from feedback.errors import NotFound
from feedback.store.definition_changes import add_definition_change
from feedback.store.engine import batched, get_row, of_desk
from feedback.store.tables import DefinitionChange, Desk, Tag, TagAlias, TagDecision
from feedback.store.tag_filters import match_tags
from feedback.tags.edits import TagEdit, plan_undo
from feedback.tags.errors import TagChanged
from feedback.tags.patterns import check_patterns
from feedback.tags.tree import TagNode, TagTree

TAG_KIND = "tag"  # of the rows of `change`
ALL_TAGS = "tree"  # their key where a change is of many tags
UNDO_OF = "undoes"
DESCRIBED = ("title", "guideline", "examples", "patterns")


def read_tag_tree(session: Session, *, desk_id: str) -> TagTree:
    """The tree of a desk; one without tags leaves every string what it is."""
    columns = (Tag.id, Tag.name, Tag.parent_id, Tag.state, Tag.merged_into)
    rows = session.execute(select(*columns).where(Tag.desk_id == desk_id))  # type: ignore[call-overload]
    nodes = {row[0]: TagNode(*row) for row in rows}
    named = select(TagAlias.name, TagAlias.tag_id).where(TagAlias.desk_id == desk_id)
    return TagTree(nodes, dict(session.exec(named).all()) if nodes else {})


def match_tag(session: Session, desk_id: str, tag: str | None, column: Any) -> list[ColumnElement[bool]]:
    """The condition that a column of tags has this tag or one below it; none without a tag."""
    if tag is None:
        return []
    return [match_tags(read_tag_tree(session, desk_id=desk_id).expand([tag]), column)]


def lock_tag_tree(session: Session, *, desk_id: str) -> TagTree:
    """The tree, which nobody else changes until the transaction ends."""
    session.exec(select(Desk.id).where(Desk.id == desk_id).with_for_update(key_share=True)).one()
    return read_tag_tree(session, desk_id=desk_id)


def change_tag_tree(
    session: Session,
    *,
    desk_id: str,
    plan: Callable[[TagTree], TagEdit],
    did: str,
    key: str = ALL_TAGS,
    actor: str,
    reason: str = "",
    now: datetime,
    **told: Any,
) -> DefinitionChange | None:
    """Makes the planned edit and keeps it as a change; None if the plan changes nothing. Raises what the plan
    raises. `told` goes into the change beside the edit.
    """
    tree = lock_tag_tree(session, desk_id=desk_id)
    edit = plan(tree)
    if not edit.nodes and not edit.aliases:
        return None
    write_tag_edit(session, desk_id=desk_id, edit=edit, now=now)
    return add_definition_change(
        session,
        desk_id=desk_id,
        kind=TAG_KIND,
        key=next(iter(edit.nodes)) if did == "add" else key,
        what={"did": did, **told, "edit": edit.to_json()},
        actor=actor,
        reason=reason,
        now=now,
    )


def undo_tag_change(
    session: Session, *, desk_id: str, change_id: int, actor: str, now: datetime
) -> DefinitionChange:
    """Takes a change of the tree back. Raises TagChanged where others were built on it."""
    row = get_tag_change(session, desk_id=desk_id, change_id=change_id)
    edit = TagEdit.from_json(row.what["edit"])

    def plan(tree: TagTree) -> TagEdit:
        undo = plan_undo(tree, edit)
        for id, (before, after) in undo.nodes.items():
            if after is None and before is not None:
                require_unused(session, tree, id)
        return undo

    undone = change_tag_tree(
        session,
        desk_id=desk_id,
        plan=plan,
        did="undo",
        key=row.key,
        actor=actor,
        now=now,
        **{UNDO_OF: change_id, "was": row.what["did"], "named": row.what.get("named", "")},
    )
    if undone is None:
        raise TagChanged(row.what.get("named", row.key))
    return undone


def get_tag_change(session: Session, *, desk_id: str, change_id: int) -> DefinitionChange:
    """A change of the tree. Raises NotFound for any other change."""
    query = of_desk(DefinitionChange, desk_id).where(
        DefinitionChange.id == change_id, DefinitionChange.kind == TAG_KIND
    )
    row = session.exec(query).one_or_none()
    if row is None or "edit" not in row.what:
        raise NotFound("change", str(change_id))
    return row


def require_unused(session: Session, tree: TagTree, id: str) -> None:
    """Refuses to remove a tag that somebody described or confirmed."""
    described = session.exec(select(Tag.version).where(Tag.id == id)).one() > 1
    decided = session.exec(select(TagDecision.id).where(TagDecision.tag_id == id).limit(1)).first()
    if described or decided is not None:
        raise TagChanged(tree.path_of(id))


def write_tag_edit(session: Session, *, desk_id: str, edit: TagEdit, now: datetime) -> None:
    """Writes an edit: tags above before those below them, aliases last, and what goes the other way round."""
    gone = [name for name, (before, _) in edit.aliases.items() if before is not None]
    for names in batched(gone):
        of_them = col(TagAlias.desk_id) == desk_id, col(TagAlias.name).in_(names)
        session.execute(delete(TagAlias).where(*of_them))
    made = {id: after for id, (before, after) in edit.nodes.items() if before is None and after is not None}
    for id, node in sorted(made.items(), key=lambda item: count_above(made, item[0])):
        session.add(
            Tag(
                id=id,
                desk_id=desk_id,
                parent_id=node.parent,
                name=node.name,
                state=node.state,
                merged_into=node.merged_into,
                created_at=now,
            )
        )
        session.flush()
    for id, (before, after) in edit.nodes.items():
        if before is not None and after is not None:
            values = {
                "parent_id": after.parent,
                "name": after.name,
                "state": after.state,
                "merged_into": after.merged_into,
            }
            session.execute(update(Tag).where(col(Tag.id) == id).values(**values))
    for name, (_, meaning) in edit.aliases.items():
        if meaning is not None:
            session.add(TagAlias(desk_id=desk_id, name=name, tag_id=meaning))
    session.flush()
    removed = {id: before for id, (before, after) in edit.nodes.items() if before and after is None}
    for id in sorted(removed, key=lambda each: -count_above(removed, each)):
        session.execute(delete(Tag).where(col(Tag.id) == id))


def count_above(nodes: Mapping[str, TagNode], id: str) -> int:
    """How many of these tags lie above one of them."""
    above, parent = 0, nodes[id].parent
    while parent is not None and parent in nodes:
        above, parent = above + 1, nodes[parent].parent
    return above


def get_tag(session: Session, *, desk_id: str, tag_id: str) -> Tag:
    return get_row(session, Tag, tag_id, desk_id=desk_id, what="tag")


def find_tag(session: Session, *, desk_id: str, name: str) -> str:
    """The id of the tag that a path, an alias or an id names. Raises NotFound."""
    tree = read_tag_tree(session, desk_id=desk_id)
    found = tree.find(name) or (name if name in tree.nodes else None)
    if found is None:
        raise NotFound("tag", name)
    return found


def list_tags(session: Session, *, desk_id: str) -> dict[str, Tag]:
    return {row.id: row for row in session.exec(of_desk(Tag, desk_id))}


def describe_tag(
    session: Session, *, desk_id: str, tag_id: str, actor: str, now: datetime, **said: Any
) -> Tag:
    """Says what a tag means: its title, guideline, examples, patterns; what is not named stays. Raises
    PatternInvalid.
    """
    tree = lock_tag_tree(session, desk_id=desk_id)
    row = get_tag(session, desk_id=desk_id, tag_id=tag_id)
    if "patterns" in said:
        said["patterns"] = check_patterns(said["patterns"])
    changed = {name: said[name] for name in DESCRIBED if name in said and said[name] != getattr(row, name)}
    if not changed:
        return row
    what = {name: [getattr(row, name), value] for name, value in changed.items()}
    for name, value in changed.items():
        setattr(row, name, value)
    row.version += 1
    session.add(row)
    add_definition_change(
        session,
        desk_id=desk_id,
        kind=TAG_KIND,
        key=tag_id,
        what={
            "did": "describe",
            "named": tree.path_of(tag_id),
            "version": row.version,
            **what,
        },
        actor=actor,
        reason="",
        now=now,
    )
    return row


def count_tag_changes(session: Session, *, desk_id: str) -> int:
    """How often the tree changed or a tag was decided on: what depends on tags is made anew when it grows."""
    changed = (
        select(func.count())
        .select_from(DefinitionChange)
        .where(DefinitionChange.desk_id == desk_id, DefinitionChange.kind == TAG_KIND)
    )
    decided = select(func.count()).select_from(TagDecision).where(TagDecision.desk_id == desk_id)
    return session.exec(changed).one() + session.exec(decided).one()
