"""Every column that could hold a person's text says whether it does, and erasure knows the way to it."""

from pydantic import BaseModel
from sqlalchemy import JSON, LargeBinary, String, TypeDecorator
from sqlmodel import SQLModel

from feedback.store import tables  # noqa: F401 - they register themselves
from feedback.store.erasures import list_covered
from feedback.store.tables.columns import declare

KEPT_IN_EVENTS = {
    "format",
    "refused",
    "datasets",
    "adapters",
    "state",
    "message",
    "judge",
    "live",
    "rolled_back",
    "serving",
    "adapter",
    "claimed_by",
    "closed",
    "reopened",
    "left",
    "source",
    "kind",
    "grade",
    "decision_ids",
    "labeller",  # a key: the id of a person or of a conversation, or the name of a program
}


def list_open_columns(table):
    """Those that may hold text, keys aside: these are ids."""
    for column in table.columns:
        is_key = column.primary_key or column.foreign_keys
        kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
        if isinstance(kind, String | JSON | LargeBinary) and not is_key:
            yield column.name


def test_every_column_of_text_is_declared_once():
    for table in SQLModel.metadata.sorted_tables:
        told = table.info or declare()["info"]
        declared = [*told["plain"], *told["erased"]]
        assert sorted(declared) == sorted(list_open_columns(table)), table.name


def test_what_is_erased_can_be_written():
    for table in SQLModel.metadata.sorted_tables:
        for name, value in (table.info.get("erased") or {}).items():
            assert value is not None or table.columns[name].nullable, f"{table.name}.{name}"


def test_erasure_knows_the_way_to_every_table_with_something_to_erase():
    needed = {table.name for table in SQLModel.metadata.sorted_tables if table.info.get("erased")}
    assert {table.__tablename__ for table in list_covered()} == needed


def test_the_answers_kept_with_events_hold_ids_and_states_alone(sqlite_desk):
    """Event.answer is plain: no call that writes answers with a text that somebody wrote."""
    for rule in sqlite_desk.app.url_map.iter_rules():
        route = getattr(sqlite_desk.app.view_functions[rule.endpoint], "route", None)
        if route is None or route.method != "POST":
            continue
        assert isinstance(route.answer, type) and issubclass(route.answer, BaseModel)
        for name, field in route.answer.model_fields.items():
            if "str" in str(field.annotation) and "Literal" not in str(field.annotation):
                assert name.endswith(("_id", "_by", "_token")) or name in KEPT_IN_EVENTS, (rule.rule, name)
