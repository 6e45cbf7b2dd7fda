"""Labels as files: a row for each item, a column for each labeller. CSV for spreadsheets, JSON lines for
programs.

Tasks whose items compare arms and that are not closed are left out: nobody reads their labels yet. Customers
share one column: each answers about their own conversation alone.
"""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col

from feedback.exports.form import join_blocks
from feedback.formats.cells import BYTE_ORDER_MARK, pack_cell
from feedback.formats.jsonl import Body
from feedback.records.from_label import REWRITE
from feedback.records.item_states import DROPPED
from feedback.store.engine import batched, of_desk
from feedback.store.label_counts import list_labellers, list_of_arms
from feedback.store.labels import list_active_labels
from feedback.store.tables import Item, Label, Task
from feedback.store.tasks import CLOSED
from feedback.store.users import name_agents

CUSTOMER, CUSTOMERS = "visitor:", "customers"
ITEM_COLUMNS = (
    *("task", "task_id", "kind", "item_id", "position", "subject_kind", "subject_id", "conversation"),
    *("language", "state", "outcome", "confidence", "gold", "shown"),
)


def list_exported(session: Session, tasks: Sequence[Task]) -> list[Task]:
    """Those of these tasks whose labels may be read now."""
    compare = list_of_arms(session, desk_id=tasks[0].desk_id) if tasks else set()
    return [task for task in tasks if task.state == CLOSED or task.id not in compare]


def name_labellers(session: Session, *, desk_id: str, task_ids: Collection[str]) -> dict[str, str]:
    """The column of each labeller: their name, with their key where two have one name or it is taken."""
    labellers = list_labellers(session, desk_id=desk_id, task_ids=task_ids)
    people = sorted(key for key in labellers if not key.startswith(CUSTOMER))
    names = name_agents(session, desk_id=desk_id, agents=people)
    times = Counter([*names.values(), *ITEM_COLUMNS, CUSTOMERS])
    columns = {key: names[key] if times[names[key]] == 1 else f"{names[key]} ({key})" for key in people}
    columns = dict(sorted(columns.items(), key=lambda each: (each[1].casefold(), each[0])))
    return columns | {key: CUSTOMERS for key in sorted(labellers) if key.startswith(CUSTOMER)}


def iterate_items(session: Session, tasks: Sequence[Task], columns: Mapping[str, str]) -> Iterator[Body]:
    """The items of these tasks, each with its labels by column."""
    for task in tasks:
        query = of_desk(Item, task.desk_id).where(Item.task_id == task.id, Item.state != DROPPED)
        for found in batched(session.exec(query.order_by(col(Item.position)))):
            given: defaultdict[str, dict[str, Body]] = defaultdict(dict)
            for label in list_active_labels(session, item_ids=[item.id for item in found]):
                given[label.item_id][columns[label.labeller]] = tell_label(label)
            yield from (tell_item(task, item) | {"labels": given[item.id]} for item in found)


def tell_item(task: Task, item: Item) -> Body:
    told = {"task": task.name, "task_id": task.id, "kind": task.kind, "item_id": item.id}
    return told | {name: getattr(item, name) for name in ITEM_COLUMNS if name not in told}


def tell_label(label: Label) -> Body:
    names = ("id", "labeller", "role", "value", "text", "reasons", "dwell_ms", "seen", "guideline_version")
    return {name: getattr(label, name) for name in names} | {"at": label.created_at.isoformat()}


def write_label_lines(rows: Iterator[Body]) -> Iterator[bytes]:
    return join_blocks((json.dumps(row, ensure_ascii=False) + "\n").encode() for row in rows)


def write_label_cells(rows: Iterator[Body], columns: Mapping[str, str]) -> Iterator[bytes]:
    """CSV as in RFC 4180, with a byte order mark. Nothing in it is a formula, names of people neither."""
    return join_blocks(piece.encode() for piece in _write_rows(rows, columns))


def _write_rows(rows: Iterator[Body], columns: Mapping[str, str]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    people = list(dict.fromkeys(columns.values()))
    line.write(BYTE_ORDER_MARK)
    writer.writerow([*ITEM_COLUMNS, *(make_cell(name) for name in people)])
    for row in rows:
        own = [
            make_cell(simplify(row["kind"], row[name]) if name in ("outcome", "gold") else row[name])
            for name in ITEM_COLUMNS
        ]
        said = [row["labels"].get(name) for name in people]
        writer.writerow([*own, *(label and make_cell(say_label(row, label)) for label in said)])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def make_cell(value: Any) -> str:
    return "" if value is None else pack_cell("", value)


def say_label(row: Body, label: Body) -> Any:
    """What a label says, as a cell: of a rewritten reply its text."""
    if row["kind"] == REWRITE:
        return row["shown"].get("reply") if (label["value"] or {}).get("unchanged") else label["text"]
    return simplify(row["kind"], label["value"])


def simplify(kind: str, value: Body | None) -> Any:
    """A value without the name of its only field; nothing picked is an empty list."""
    if value is None or kind == REWRITE:
        return value
    return [] if "none" in value else next(iter(value.values()))
