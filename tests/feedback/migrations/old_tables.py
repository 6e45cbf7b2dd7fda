"""Rows for the tables of an older version, which no class describes any more."""

from datetime import datetime

from tests.databases import START


def fill(table):
    """A value for each column that needs one; every id is x, so that rows name each other."""
    values = {str: "x", int: 1, bool: False, datetime: START}
    needed = [column for column in table.columns if not column.nullable and column.server_default is None]
    return {column.name: values.get(column.type.python_type, []) for column in needed}
