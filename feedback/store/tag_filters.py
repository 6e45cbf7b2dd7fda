"""Which rows have one of several tags, on both databases. `TagTree.expand` says which strings to look for."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class tag_list(GenericFunction[str]):
    """The tags of a row as rows, each with its `value`."""

    inherit_cache = True


@compiles(tag_list, "sqlite")
def _list_on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(tag_list, "postgresql")
def _list_on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text({compiler.process(element.clauses, **options)})"


def match_tags(strings: Collection[str], column: Any) -> ColumnElement[bool]:
    """The condition that a JSON column of tags holds one of these strings."""
    each = tag_list(column).table_valued("value")
    return select(1).select_from(each).where(each.c.value.in_(sorted(strings))).exists()
