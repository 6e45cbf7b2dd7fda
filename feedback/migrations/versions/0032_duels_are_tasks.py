"""A duel is a task of kind `compare`: its rounds become items, its verdicts labels, with the ids they had."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

Row = Mapping[Any, Any]

ERASED, UNDO = "erased", "undo"
TABLES = ("duel", "duel_round", "duel_verdict", "conversation", "task", "item", "assignment", "label")
# Every expert may label every item, and none settles while the task is open.
EXPERTS, MANY = 2, 1000
TASK_STATES = {"drawing": "draft", "open": "open"}
ITEM_STATES = {"waiting": "waiting", "ready": "open"}
HIDDEN = (
    "origin",
    "chat_template_kwargs",
    "prompt_token_ids",
    *(f"{side}_{name}" for name in ("adapter", "arm", "token_ids") for side in "ab"),
    "requests",
)


def upgrade() -> None:
    op.add_column("duel", sa.Column("task_id", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_duel_task_id", "duel", ["task_id"])
    connection = op.get_bind()
    found = sa.MetaData()
    found.reflect(connection, only=TABLES)
    for duel in connection.execute(sa.select(found.tables["duel"])).mappings().all():
        move_duel(connection, found.tables, duel)
    op.drop_table("duel_verdict")
    op.drop_table("duel_round")


def move_duel(connection: sa.Connection, tables: Mapping[str, sa.Table], duel: Row) -> None:
    task_id = str(uuid5(NAMESPACE_OID, f"task:{duel['id']}"))
    own, rounds, said = tables["duel"], tables["duel_round"], tables["duel_verdict"]
    put(connection, tables["task"], make_task(duel, task_id))
    connection.execute(own.update().where(own.c.id == duel["id"]).values(task_id=task_id))
    talks = tables["conversation"]
    query = sa.select(rounds, talks.c.language).join(talks, talks.c.id == rounds.c.conversation_id)
    shown = connection.execute(query.where(rounds.c.duel_id == duel["id"])).mappings().all()
    for row in shown:
        put(connection, tables["item"], make_item(duel, task_id, row))
    query = sa.select(said).where(said.c.duel_id == duel["id"]).order_by(said.c.created_at, said.c.id)
    verdicts = connection.execute(query).mappings().all()
    assigned = make_assignments(task_id, verdicts)
    for one in assigned.values():
        put(connection, tables["assignment"], one)
    erased = {row["id"] for row in shown if row["reason"] == ERASED}
    for verdict in sorted(verdicts, key=is_undo):  # an undo names its verdict, which must be there first
        slot = assigned[verdict["round_id"], verdict["judge"]].get("slot")
        put(connection, tables["label"], make_label(task_id, verdict, slot, verdict["round_id"] in erased))


def put(connection: sa.Connection, table: sa.Table, row: Row) -> None:
    """Inserts a row without its nulls: a reflected column of JSON would take one for a word."""
    connection.execute(table.insert().values({key: value for key, value in row.items() if value is not None}))


def make_task(duel: Row, task_id: str) -> Row:
    kept = ("desk_id", "seed", "created_by", "created_at", "opened_at", "closed_at", "closed_by")
    return {name: duel[name] for name in kept} | {
        "id": task_id,
        "name": f"Duel {duel['id'][:8]}",
        "kind": "compare",
        "state": TASK_STATES.get(duel["state"], "closed"),
        "question": {"text": ""},
        "guideline": "",
        "guideline_version": 1,
        "tier": EXPERTS,
        "overlap_min": MANY,
        "overlap_max": MANY,
        "confidence": 1.0,
        "gold_share": 0.0,
        "error_limit": 0.1,
        "assigned": [],
        "selection": {"duel": duel["id"]},
    }


def make_item(duel: Row, task_id: str, row: Row) -> Row:
    is_erased = row["reason"] == ERASED
    shown = {"messages": row["messages"], "a": row["a_text"], "b": row["b_text"]}
    hidden = {name: row[name] for name in HIDDEN} | {"drawn_at": write_time(row["drawn_at"])}
    return {
        "id": row["id"],
        "desk_id": row["desk_id"],
        "task_id": task_id,
        "position": row["position"],
        "subject_kind": "prompt",
        "subject_id": row["set_id"],
        "conversation_id": row["conversation_id"],
        "conversation": row["conversation_id"],
        "language": row["language"],
        "shown": {} if is_erased else {name: value for name, value in shown.items() if value is not None},
        "hidden": {} if is_erased else hidden,
        "tier": EXPERTS,
        "state": ITEM_STATES.get(row["state"], "dropped"),
        "reason": "equal" if row["state"] == "equal" else row["reason"],
        "created_at": duel["created_at"],
    }


def write_time(at: datetime | None) -> str | None:
    """The time with its zone, which SQLite does not keep."""
    if at is None:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def make_assignments(task_id: str, verdicts: Sequence[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    """Who judged which round. What a judge took back and did not judge again holds no slot."""
    undone = {row["undoes"] for row in verdicts}
    made: dict[tuple[str, str], dict[str, Any]] = {}
    slots: dict[str, int] = {}
    for row in verdicts:
        if is_undo(row):
            continue
        item_id, judge = key = row["round_id"], row["judge"]
        usual = {
            "id": str(uuid5(NAMESPACE_OID, f"assignment:{item_id}:{judge}")),
            "desk_id": row["desk_id"],
            "task_id": task_id,
            "item_id": item_id,
            "labeller": judge,
            "state": "lapsed",
            "created_at": row["created_at"],
        }
        one = made.setdefault(key, usual)
        if row["id"] not in undone:
            slots[item_id] = slots.get(item_id, 0) + 1
            one |= {"state": "done", "slot": slots[item_id]}
    return made


def make_label(task_id: str, row: Row, slot: int | None, is_erased: bool) -> Row:
    kept = ("id", "desk_id", "attempt", "dwell_ms", "undoes", "occurred_at", "created_at")
    is_said = not is_undo(row)
    return {name: row[name] for name in kept} | {
        "task_id": task_id,
        "item_id": row["round_id"],
        "labeller": row["judge"],
        "role": "expert",
        "slot": slot if is_said else None,
        "value": {"side": row["verdict"]} if is_said and not is_erased else None,
        "reasons": [],
        "guideline_version": 1,
        "seen": "blind",
    }


def is_undo(row: Row) -> bool:
    return str(row["verdict"]) == UNDO
