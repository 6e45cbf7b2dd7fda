"""What a labeller gets of an item: the frozen texts, the question, their own order, and nothing else.

No arm, no position, no state, no other label: two labellers, and the same one in a desk where others said
something else, get the same but for ids. An expert who decides between two others sees what these said.
"""

from typing import Any

from sqlmodel import Session

from feedback.errors import NotFound
from feedback.labelling.kinds import order_replies
from feedback.labelling.labeller import Labeller
from feedback.labelling.standing import list_others
from feedback.records.item_states import DISPUTED, DROPPED
from feedback.store import assignments, items
from feedback.store.tasks import get_task


def show_item(session: Session, *, desk_id: str, item_id: str, labeller: Labeller) -> dict[str, Any]:
    """The item as the labeller sees it. Raises NotFound where they neither have nor had it."""
    item = items.get_item(session, desk_id=desk_id, item_id=item_id)
    own = assignments.find_assignment(session, item_id=item_id, labeller=labeller.key)
    if own is None or own.state == assignments.PASSED or item.state == DROPPED:
        raise NotFound("item", item_id)
    task = get_task(session, desk_id=desk_id, task_id=item.task_id)
    others = None
    if own.state == assignments.CLAIMED and item.state == DISPUTED and labeller.tier >= item.tier:
        others = list_others(session, task=task, item=item)
    told = {name: getattr(task, name) for name in ("kind", "question", "guideline", "guideline_version")}
    return told | {
        "id": item.id,
        "task_id": task.id,
        "shown": item.shown,
        "order": order_replies(task.kind, item.shown, f"{task.seed}:{item.position}:{labeller.key}"),
        "lease_until": own.lease_until,
        "draft": own.draft,
        "others": others,
    }
