"""Writes one setting into the settings file, every other line unchanged."""

import json
import os
import re
import tomllib
from pathlib import Path

from commands.errors import CommandFailed
from commands.frame import CONFIG_NAME, Frame
from serving.files import write_atomically

ANY_TABLE = re.compile(r"^\s*\[")


def write_setting(frame: Frame, table: str, name: str, value: str) -> Frame:
    """Writes the setting into the settings file, or a new one; returns the frame that reads it. Raises
    CommandFailed where an environment variable with another value would win over it.
    """
    require_settable(table, name, value)
    path = (frame.config or Path(CONFIG_NAME)).resolve()
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomically(path, put_setting(before, table, name, value, path=path).encode(), mode=mode)
    return Frame(frame.data_dir, path)


def require_settable(table: str, name: str, value: str) -> None:
    variable = f"REJOINDER_{table}__{name}".upper()
    if os.environ.get(variable, value) != value:
        raise CommandFailed(f"{variable} is set and wins over the settings file: change it there.")


def put_setting(text: str, table: str, name: str, value: str, *, path: Path) -> str:
    """The settings text with this value in its table and every other line unchanged. Raises CommandFailed if
    the text is laid out in a way that cannot be edited line by line.
    """
    lines, line = text.splitlines(), f"{name} = {json.dumps(value)}"
    opens = re.compile(rf"^\s*\[{table}\]\s*(#.*)?$")
    key = re.compile(rf"^\s*{name}\s*=")
    start = next((number for number, found in enumerate(lines) if opens.match(found)), None)
    if start is None:
        lines += [*([""] if lines else []), f"[{table}]", line]
    else:
        rest = range(start + 1, len(lines))
        end = next((number for number in rest if ANY_TABLE.match(lines[number])), len(lines))
        own = next((number for number in range(start + 1, end) if key.match(lines[number])), None)
        lines[start + 1 if own is None else own : start + 1 if own is None else own + 1] = [line]
    changed = "\n".join(lines) + "\n"
    try:
        if tomllib.loads(changed)[table][name] == value:
            return changed
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        pass
    raise CommandFailed(f"{path} cannot be changed by itself: write {line} into its table [{table}].")
