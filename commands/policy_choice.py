"""Lists the shipped policies, asks for one and writes it into the settings file, for `rejoinder init`."""

import json
import os
import re
import tomllib
from pathlib import Path

import click

from commands.errors import CommandFailed
from commands.frame import CONFIG_NAME, Frame
from feedback.deployment.policy import POLICY_FILES, load_policy
from feedback.deployment.tonight import foretell
from serving.files import write_atomically

OFFERED_FIRST = "careful"
VARIABLE = "REJOINDER_FEEDBACK__POLICY"
TABLE = re.compile(r"^\s*\[feedback\]\s*(#.*)?$")
ANY_TABLE = re.compile(r"^\s*\[")
KEY = re.compile(r"^\s*policy\s*=")


def list_shipped() -> list[str]:
    """The names of the shipped policies: the default first, then the others in alphabetical order."""
    return [OFFERED_FIRST, *(name for name in POLICY_FILES.list_shipped() if name != OFFERED_FIRST)]


def ask_policy() -> str:
    """Asks on a terminal for a policy, after showing what each shipped one will do."""
    click.echo("Which policy decides about adapters?")
    for name in list_shipped():
        click.echo(f"  {foretell(load_policy(name))}")
    return str(click.prompt("Policy", type=click.Choice(list_shipped()), default=OFFERED_FIRST))


def name_policy(frame: Frame, policy: str) -> Frame:
    """Writes the policy's name into the settings file, creating the file if needed; returns the frame that
    reads it.
    """
    if os.environ.get(VARIABLE, policy) != policy:
        raise CommandFailed(f"{VARIABLE} is set and wins over the settings file: change it there.")
    path = (frame.config or Path(CONFIG_NAME)).resolve()
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    write_atomically(path, put_policy(before, policy, path=path).encode(), mode=mode)
    return Frame(frame.data_dir, path)


def put_policy(text: str, policy: str, *, path: Path) -> str:
    """The settings text with this policy in table [feedback] and every other line unchanged. Raises
    CommandFailed if the text is laid out in a way that cannot be edited line by line.
    """
    lines, line = text.splitlines(), f"policy = {json.dumps(policy)}"
    start = next((number for number, found in enumerate(lines) if TABLE.match(found)), None)
    if start is None:
        lines += [*([""] if lines else []), "[feedback]", line]
    else:
        rest = range(start + 1, len(lines))
        end = next((number for number in rest if ANY_TABLE.match(lines[number])), len(lines))
        own = next((number for number in range(start + 1, end) if KEY.match(lines[number])), None)
        lines[start + 1 if own is None else own : start + 1 if own is None else own + 1] = [line]
    changed = "\n".join(lines) + "\n"
    try:
        if tomllib.loads(changed)["feedback"]["policy"] == policy:
            return changed
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        pass
    raise CommandFailed(f"{path} cannot be changed by itself: write {line} into its table [feedback].")
