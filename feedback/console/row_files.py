"""Downloads of the list of conversations: CSV for spreadsheets, JSONL for programs. Codes are not translated.

Rows are streamed as they are read; none is read twice or kept in memory.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from feedback.formats.cells import BYTE_ORDER_MARK, FORMULAS
from feedback.store.row_facts import ConversationRow

COLUMNS = ("at", "conversation", "language", "state", "verdict", "taken_back", "winner", "version", "words")


def write_json_lines(rows: Iterable[ConversationRow]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(format_row(row), ensure_ascii=False) + "\n"


def write_csv(rows: Iterable[ConversationRow]) -> Iterator[str]:
    """CSV as in RFC 4180, with a byte order mark."""
    yield BYTE_ORDER_MARK + _write_line(COLUMNS)
    for row in rows:
        yield _write_line(make_safe(value) for value in format_row(row).values())


def format_row(row: ConversationRow) -> dict[str, Any]:
    verdict = row.verdict
    return {
        "at": row.at.isoformat(),
        "conversation": row.conversation_id,
        "language": row.language,
        "state": row.state,
        "verdict": verdict.given if verdict else None,
        "taken_back": verdict.is_undone if verdict else None,
        "winner": verdict.winner if verdict else None,
        "version": verdict.version if verdict else None,
        "words": row.words,
    }


def make_safe(value: Any) -> Any:
    """Puts an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _write_line(values: Iterable[Any]) -> str:
    line = StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
