"""`rejoinder init`: create the data directory, migrate the store to this version's schema and choose the
policy that decides about adapters, without starting anything.
"""

from pathlib import Path
from typing import Any, TextIO

import click

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.policy_choice import ask_policy
from commands.reasons import is_asked, reason_option, require_reason
from commands.settings_file import write_setting
from commands.store import migrate_store, open_store
from feedback.clock import SystemClock
from feedback.deployment.policy import load_policy
from feedback.deployment.policy_changes import find_unexplained, note_policy_change
from feedback.deployment.tonight import describe_tonight
from feedback.store.desks import add_system_prompt
from feedback.store.engine import read, unit_of_work
from feedback.store.policy_changes import find_latest_change, give_reason
from feedback.store.tables import DEFAULT_DESK

ACTOR = "command line"


@click.command("init")
@frame_options
@click.option(
    "--system-prompt",
    type=click.File("r", encoding="utf-8"),
    default=None,
    help="File with the text that every prompt begins with; kept as a new version.",
)
@click.option(
    "--policy",
    default=None,
    help="Shipped policy or file that decides about adapters; written into the settings file. Asked for on a "
    "terminal where the store is new and no policy is named  [offered first: careful].",
)
@reason_option
@json_option
def command(
    frame: Frame, system_prompt: TextIO | None, policy: str | None, reason: str, as_json: bool
) -> None:
    """Make the data directory, migrate the store and choose the policy.

    \b
    rejoinder init
    rejoinder init --policy careful
    rejoinder init --policy mine.toml --reason "a smaller rollout over Christmas"
    rejoinder init --system-prompt prompt.txt
    rejoinder init --data-dir /srv/rejoinder --config /etc/rejoinder.toml
    """
    if policy is not None and Path(policy).suffix:
        policy = str(Path(policy).resolve())
    if policy is not None:
        load_policy(policy)  # raises before anything is created
    before, after = migrate_store(frame)
    version = add_prompt(frame, system_prompt.read().strip()) if system_prompt is not None else None
    if policy is None and before is None and not frame.feedback().policy and not as_json and is_asked():
        policy = ask_policy()
    chosen = policy if policy != frame.feedback().policy else None
    if chosen is not None or reason.strip():
        frame = choose(frame, chosen, reason)
    in_force = frame.policy()
    if as_json:
        print_json(
            {
                "data_dir": str(frame.data_dir),
                "schema_before": before,
                "schema": after,
                "system_prompt": version,
                **in_force.label,
                "tonight": str(describe_tonight(in_force)),
            }
        )
    if before == after and version is None and chosen is None and not reason.strip():
        raise NothingToDo(
            f"{frame.data_dir} has the schema of this version already ({after}).\n"
            f"{describe_tonight(in_force)}"
        )
    if not as_json:
        if before != after:
            click.echo(f"{frame.data_dir}: store migrated from {before or 'nothing'} to {after}.")
        if version is not None:
            click.echo(f"System prompt: version {version} is in force for new sets.")
        if chosen is not None:
            click.echo(f"{frame.config} names the policy; it is in force from the next `rejoinder up` on.")
        click.echo(describe_tonight(in_force))


def add_prompt(frame: Frame, text: str) -> int:
    with open_store(frame) as engine, unit_of_work(engine) as session:
        return add_system_prompt(session, desk_id=DEFAULT_DESK, text=text, now=SystemClock().now()).version


def choose(frame: Frame, policy: str | None, reason: str) -> Frame:
    """Writes the policy into the settings file, where another one is named, and keeps the reason. Changing
    the policy in force needs a reason. Raises UsageError for a reason of no change, which nothing would keep.
    """
    values = frame.policy() if policy is None else load_policy(policy)
    with open_store(frame) as engine:
        with read(engine) as session:
            before = find_latest_change(session, desk_id=DEFAULT_DESK)
            unexplained = find_unexplained(session, desk_id=DEFAULT_DESK)
        is_same = before is not None and before.sha256 == values.sha256
        why = reason.strip() if before is None or is_same else require_reason(reason)
        if why and is_same and unexplained is None:
            raise click.UsageError(
                f"--reason: {values.name} is in force already, and no change of it is left to explain."
            )
        if policy is not None:
            frame = write_setting(frame, "feedback", "policy", policy)
        given: dict[str, Any] = {"reason": why, "actor": ACTOR} if why else {}
        note_policy_change(engine, values, now=SystemClock().now(), **given)
        if why and is_same and unexplained is not None:
            with unit_of_work(engine) as session:
                give_reason(session, desk_id=DEFAULT_DESK, change_id=unexplained.change.id or 0, **given)
    return frame
