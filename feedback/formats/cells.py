"""Rows of a table in our own forms, as our exports write them: a list or object is JSON in a cell, a single
message its text. `pack_cells` for an export, `unpack_cells` for an import.

A text that a spreadsheet would calculate has an apostrophe before it, and so has one that is blank or begins
with an apostrophe itself: every text comes back as it was.
"""

import json
from typing import Any

from feedback.formats.fields import FieldFault
from feedback.formats.jsonl import Body

# What spreadsheets calculate, or split into cells; where Chinese or Japanese is typed, the wide signs, too.
FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for the machine's own code page: no Chinese
REPLIES = ("chosen", "rejected", "completion")
OBJECTS = ("meta", "chat_template_kwargs")
IN_JSON = {
    *("prompt", "candidates", "turns", "picked", "tags", "reasons", "customer_details", "prompt_token_ids"),
    *(*OBJECTS, "weight", "dwell_ms", "label"),
}


def pack_cells(body: Body) -> dict[str, str]:
    """A record as the cells of a row."""
    return {name: pack_cell(name, value) for name, value in body.items() if value is not None}


def pack_cell(name: str, value: Any) -> str:
    if name in REPLIES and len(value) == 1:
        value = value[0]["content"]
    if name in IN_JSON or not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if not value.strip() or value.startswith(("'", *FORMULAS)) else value


def unpack_cells(body: Body) -> Body:
    """The record of a row that `pack_cells` made; anything else stays as it is, but for objects in JSON."""
    chat = body.get("prompt", body.get("turns"))
    if not (isinstance(chat, str) and chat.startswith("[{")):
        objects = {name: body[name] for name in OBJECTS if isinstance(body.get(name), str)}
        return body | {name: read_cell(name, cell) for name, cell in objects.items()}
    return {name: unpack_cell(name, cell) for name, cell in body.items()}


def unpack_cell(name: str, cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    if name in IN_JSON:
        return read_cell(name, cell)
    text = cell.removeprefix("'")
    return [{"role": "assistant", "content": text}] if name in REPLIES else text


def read_cell(name: str, cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise FieldFault(f"wrong_type:{name}", "the cell is no JSON") from error
