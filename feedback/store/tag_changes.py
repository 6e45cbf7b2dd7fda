"""The changes of the tree of tags that people make, each in one transaction and kept. Raises the refusals of
`feedback/tags/errors.py`. Keyword-only, session first, no commit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.store.tables import DefinitionChange
from feedback.store.tag_counts import count_strings
from feedback.store.tags import change_tag_tree, get_tag, read_tag_tree
from feedback.tags import edits
from feedback.tags.adoption import Adoption, plan_adoption
from feedback.tags.tree import TagTree


@dataclass(frozen=True)
class Editor:
    """Who changes the tags of which desk, and when."""

    desk_id: str
    actor: str
    now: datetime


def preview_adoption(session: Session, *, desk_id: str) -> Adoption:
    """What would become of the strings that mean no tag yet."""
    tree = read_tag_tree(session, desk_id=desk_id)
    return plan_adoption(tree, count_strings(session, desk_id=desk_id))


def adopt_strings(session: Session, *, by: Editor) -> tuple[DefinitionChange | None, Adoption]:
    """Makes tags of all strings that are there and mean none yet; None if there are none."""
    counts = count_strings(session, desk_id=by.desk_id)
    done: list[Adoption] = []

    def plan(tree: TagTree) -> edits.TagEdit:
        done.append(plan_adoption(tree, counts))
        return done[0].edit

    row = change_tag_tree(session, plan=plan, did="adopt", **vars(by))
    return row, done[0]


def add_tag(session: Session, *, by: Editor, path: str) -> DefinitionChange:
    row = change_tag_tree(
        session, plan=lambda tree: edits.plan_addition(tree, path), did="add", named=path, **vars(by)
    )
    assert row is not None  # an addition always adds
    return row


def rename_tag(session: Session, *, by: Editor, tag_id: str, name: str) -> DefinitionChange | None:
    return _change_one(
        session, by, tag_id, "rename", lambda tree: edits.plan_rename(tree, tag_id, name), to=name
    )


def move_tag(session: Session, *, by: Editor, tag_id: str, parent: str | None) -> DefinitionChange | None:
    """Moves a tag with all below it under another one, or to the top."""
    to = "" if parent is None else _find_path(session, by.desk_id, parent)
    return _change_one(session, by, tag_id, "move", lambda tree: edits.plan_move(tree, tag_id, parent), to=to)


def merge_tag(session: Session, *, by: Editor, tag_id: str, into: str) -> DefinitionChange | None:
    to = _find_path(session, by.desk_id, into)
    return _change_one(session, by, tag_id, "merge", lambda tree: edits.plan_merge(tree, tag_id, into), to=to)


def retire_tag(session: Session, *, by: Editor, tag_id: str) -> DefinitionChange | None:
    return _change_one(session, by, tag_id, "retire", lambda tree: edits.plan_retirement(tree, tag_id))


def restore_tag(session: Session, *, by: Editor, tag_id: str) -> DefinitionChange | None:
    return _change_one(session, by, tag_id, "restore", lambda tree: edits.plan_restoration(tree, tag_id))


def _find_path(session: Session, desk_id: str, tag_id: str) -> str:
    get_tag(session, desk_id=desk_id, tag_id=tag_id)
    return read_tag_tree(session, desk_id=desk_id).path_of(tag_id)


def _change_one(
    session: Session,
    by: Editor,
    tag_id: str,
    did: str,
    plan: Callable[[TagTree], edits.TagEdit],
    **told: str,
) -> DefinitionChange | None:
    asked: dict[str, Any] = {**vars(by), **told, "named": _find_path(session, by.desk_id, tag_id)}
    return change_tag_tree(session, plan=plan, did=did, key=tag_id, **asked)
