"""Tasks and items as a settled label leaves them, for tests of what becomes of outcomes."""

from feedback.labelling.derive import derive_item_record
from feedback.store.engine import unit_of_work
from feedback.store.tables import Item, Label, Reliability, Task
from tests.databases import START
from tests.feedback.builders import DESK

YES, NO = "Yes, within 30 days.", "No, lamps stay sold."
ASKED = "May I return the lamp?"


def put_task(engine, kind="compare", **fields):
    told = {"name": f"{kind}s", "kind": kind, "state": "open", "created_by": "eva"} | fields
    row = Task(desk_id=DESK, seed=1, created_at=START, **told)
    with unit_of_work(engine) as session:
        session.add(row)
    return row.id


def put_item(engine, task_id, *, position=1, shown=None, conversation="c", subject=None, **fields):
    """An open item; by default two replies to one question."""
    texts = shown or {"a": YES, "b": NO}
    kind, id = subject or ("prompt", position)
    row = Item(
        desk_id=DESK,
        task_id=task_id,
        position=position,
        subject_kind=kind,
        subject_id=str(id),
        conversation=conversation,
        shown={"messages": [{"role": "user", "content": ASKED}]} | texts,
        tier=1,
        created_at=START,
        **fields,
    )
    with unit_of_work(engine) as session:
        session.add(row)
    return row.id


def put_label(engine, item_id, value, *, labeller="ann", **fields):
    with unit_of_work(engine) as session:
        item = session.get_one(Item, item_id)
        row = Label(
            desk_id=DESK,
            task_id=item.task_id,
            item_id=item_id,
            labeller=labeller,
            role="agent",
            attempt=1,
            value=value,
            guideline_version=1,
            occurred_at=START,
            created_at=START,
            **fields,
        )
        session.add(row)
    return row.id


def come_to(engine, item_id, outcome, *, at=START):
    """The item is settled with this outcome, or open again without one."""
    with unit_of_work(engine) as session:
        item = session.get_one(Item, item_id)
        item.state, item.outcome = ("open", None) if outcome is None else ("settled", outcome)
        item.settled_at = at if outcome is not None else None
        item.confidence = None if outcome is None else 0.95
        derive_item_record(session, item=item)


def settle(engine, item_id, value, *, labellers=("ann", "ben"), at=START, **fields):
    """All of these labellers say the same, and the item is settled by it."""
    ids = [put_label(engine, item_id, value, labeller=labeller, **fields) for labeller in labellers]
    come_to(engine, item_id, value, at=at)
    return ids


def rate_labeller(engine, labeller, accuracy, *, kind="compare", items=40):
    row = Reliability(
        desk_id=DESK,
        kind=kind,
        labeller=labeller,
        items=items,
        accuracy=accuracy,
        low=accuracy,
        high=accuracy,
        computed_at=START,
    )
    with unit_of_work(engine) as session:
        session.add(row)
