"""A new task: its question, with the tags that it offers, and its rules."""

import secrets
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.errors import ApiError
from feedback.labelling.kinds import CHECK, ValueUnknown
from feedback.records.from_label import TAG
from feedback.store import tasks
from feedback.store.tables import Task
from feedback.store.tags import list_tags, read_tag_tree
from feedback.tags.tree import ACTIVE

SEED_LIMIT = 2**63
MAX_OVERLAP = 50


class CheckByHand(ApiError):
    def __init__(self) -> None:
        super().__init__(
            422,
            "check_by_hand",
            "A task of kind check is made of what another task has settled.",
            "POST /v1/tasks/<task_id>/checks draws one; a task of kind rewrite gets its own by itself.",
        )


def draft_task(
    session: Session,
    *,
    desk_id: str,
    kind: str,
    text: str,
    tags: list[str],
    created_by: str,
    now: datetime,
    **rules: Any,
) -> Task:
    """Adds a draft; `rules` are further columns of the task. Raises CheckByHand, ValueUnknown."""
    if kind == CHECK:
        raise CheckByHand
    task = Task(
        desk_id=desk_id,
        kind=kind,
        question=make_question(session, kind=kind, text=text, tags=tags, desk_id=desk_id),
        seed=secrets.randbelow(SEED_LIMIT),
        created_by=created_by,
        created_at=now,
        **rules,
    )
    if not 1 <= task.overlap_min <= task.overlap_max <= MAX_OVERLAP:
        raise ValueUnknown("overlap_max", task.overlap_max, f"{task.overlap_min} to {MAX_OVERLAP}")
    return tasks.add_task(session, task=task)


def make_question(session: Session, *, kind: str, text: str, tags: list[str], desk_id: str) -> dict[str, Any]:
    """What the task asks. The tags that it offers are those of today: later ones are of no item of it."""
    if kind != TAG:
        if tags:
            raise ValueUnknown("question.tags", tags, "none with this kind")
        return {"text": text}
    tree = read_tag_tree(session, desk_id=desk_id)
    found = {name: tree.find(name) for name in tags}
    for name, id in found.items():
        if id is None:
            raise ValueUnknown("question.tags", name, "paths of the tree, GET /v1/tags")
    roots = [id for id in found.values() if id is not None]
    below = {each for id in roots for each in tree.list_below(id)} if roots else set(tree.paths)
    options = {path: id for id, path in tree.paths.items() if id in below and tree.nodes[id].state == ACTIVE}
    if not options:
        raise ValueUnknown("question.tags", tags, "tags in use; add some first")
    rows = list_tags(session, desk_id=desk_id)
    return {
        "text": text,
        "tags": [tree.paths[id] for id in roots],
        "options": list(options),
        "titles": {path: rows[id].title for path, id in options.items() if rows[id].title},
    }
