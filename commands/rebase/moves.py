"""`rejoinder rebase switch`, `cancel` and `back`: the decisions, and the base in the settings file."""

import click

from commands.deployer import open_deployer
from commands.frame import Frame, frame_options, json_option, print_json
from commands.instance import is_running
from commands.reasons import reason_option, require_reason
from commands.settings_file import require_settable, write_setting
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.rebase.follow import cancel_rebase
from feedback.rebase.switch import return_base, switch_base
from feedback.store.engine import read
from feedback.store.rebases import RETURNING, SWITCHING, find_rebase_under_way, list_rebases
from feedback.store.tables import DEFAULT_DESK, Rebase

ACTOR = "command line"
TABLE, NAME = "serving", "base_model"


@click.command("switch")
@frame_options
@reason_option
@json_option
def switch_command(frame: Frame, reason: str, as_json: bool) -> None:
    """Switch to the new base, if the closed duels prove it better by the policy's limits.

    Writes it into the settings file as base_model; the next `rejoinder up` serves it, and until then nothing
    changes. Called again, it writes the settings again.

    \b
    rejoinder rebase switch --reason "140 of 190 rounds"
    """
    found = find_latest(frame)
    if found is None or found.state != SWITCHING:
        why = require_reason(reason)
        if found is not None:
            require_settable(TABLE, NAME, found.base_model)
        with open_deployer(frame) as deployer:
            found = switch_base(deployer, actor=ACTOR, reason=why)
    print_written(frame, found, found.base_model, as_json)


@click.command("back")
@frame_options
@reason_option
@json_option
def back_command(frame: Frame, reason: str, as_json: bool) -> None:
    """Return to the base before the last switch and to what served there. Needs no evidence.

    Writes that base into the settings file; the next `rejoinder up` serves it. To leave an adapter alone,
    `rejoinder rollback` is quicker, and stays on the base.

    \b
    rejoinder rebase back --reason "too slow at noon"
    """
    found = find_latest(frame)
    if found is None or found.state != RETURNING:
        why = require_reason(reason)
        if found is not None:
            require_settable(TABLE, NAME, found.old_base_model)
        with open_deployer(frame) as deployer:
            found = return_base(deployer, actor=ACTOR, reason=why)
    print_written(frame, found, found.old_base_model, as_json)


@click.command("cancel")
@frame_options
@reason_option
@json_option
def cancel_command(frame: Frame, reason: str, as_json: bool) -> None:
    """Give up a rebase that no start has taken up. Its run and duels end; what serves has not changed.

    \b
    rejoinder rebase cancel --reason "no better"
    """
    why = require_reason(reason)
    with open_store(frame) as engine:
        with read(engine) as session:
            before = find_rebase_under_way(session, desk_id=DEFAULT_DESK)
        if before is not None and before.state == SWITCHING:
            write_setting(frame, TABLE, NAME, before.old_base_model)
        rebase = cancel_rebase(engine, actor=ACTOR, reason=why, desk_id=DEFAULT_DESK, now=SystemClock().now())
    if as_json:
        print_json({"id": rebase.id, "state": rebase.state})
        return
    click.echo(f"The rebase to {rebase.base_model} is cancelled; {rebase.old_base_model} goes on serving.")


def find_latest(frame: Frame) -> Rebase | None:
    with open_store(frame) as engine, read(engine) as session:
        return next(iter(list_rebases(session, desk_id=DEFAULT_DESK, limit=1)), None)


def print_written(frame: Frame, rebase: Rebase, base_model: str, as_json: bool) -> None:
    written = write_setting(frame, TABLE, NAME, base_model)
    if as_json:
        print_json({"id": rebase.id, "state": rebase.state, "arm": rebase.arm, "base_model": base_model})
        return
    click.echo(f"{written.config} names {base_model}.")
    again = "Stop `rejoinder up` and start it again" if is_running(frame.data_dir) else "Start `rejoinder up`"
    click.echo(f"{again}, without --base-model: then {base_model} serves. Until then nothing changes.")
