"""`rejoinder doctor`: finds what would fail, each finding with its remedy. Changes nothing."""

from collections.abc import Generator, Iterator
from dataclasses import asdict

import click
from sqlalchemy import Engine

from commands.callers import check_limits, check_proxy
from commands.checks import (
    DoctorCheck,
    Level,
    check_data_dir,
    check_disk,
    check_libraries,
    check_memory,
    check_nights,
    check_policy,
    check_port,
    check_python,
    check_sqlite,
    check_store_settings,
    examine_base,
)
from commands.frame import Frame, frame_options, json_option, print_json
from commands.helper import check_helper
from commands.status import list_served
from commands.store import SchemaNewer, check_schema
from feedback.deployment.policy_changes import find_unexplained
from feedback.migrations import newest_version
from feedback.store.deployments import list_named
from feedback.store.engine import open_engine, read
from feedback.store.policy_changes import find_latest_change
from feedback.store.tables import DEFAULT_DESK
from serving.adapters.staging import verify_staged
from serving.base import compute_base_id, resolve_base
from serving.client.endpoint import read_second_engine
from serving.errors import EngineNotRunning, EngineResting, ServingError

MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


@click.command("doctor")
@frame_options
@json_option
def command(frame: Frame, as_json: bool) -> None:
    """Look at libraries, memory, base model, disk, port, proxy, limits, helper, store, schema, engine and
    adapters. Exit code 1 if something fails.

    \b
    rejoinder doctor
    rejoinder doctor --json | jq '.checks[] | select(.level != "ok")'
    """
    checks: list[DoctorCheck] = []
    for check in examine(frame):
        checks.append(check)
        if not as_json:
            click.echo(f"{MARKS[check.level]} {check.name:<11} {check.detail}")
            if check.remedy:
                click.echo(f"  {'':<11} {check.remedy}")
    failed = any(check.level == "fail" for check in checks)
    if as_json:
        print_json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    if failed:
        raise click.exceptions.Exit(1)


def examine(frame: Frame) -> Iterator[DoctorCheck]:
    """Yields the findings one by one, so that slow checks do not delay the first results."""
    frame.check_settings()
    yield check_python()
    yield check_libraries()
    yield check_sqlite()
    yield check_memory(frame)
    yield from examine_base(frame)
    yield check_policy(frame)
    yield check_nights(frame)
    yield check_disk(frame.data_dir)
    yield check_data_dir(frame.data_dir)
    yield check_port(frame)
    yield check_proxy(frame)
    yield check_limits(frame)
    yield check_helper(frame)
    yield from examine_store(frame)


def examine_store(frame: Frame) -> Iterator[DoctorCheck]:
    """The findings about the store and what depends on it: schema, engine, adapters."""
    settings = frame.feedback()
    if not settings.database_url and not (frame.data_dir / "rejoinder.db").exists():
        yield DoctorCheck("store", "ok", "none yet: the first `rejoinder up` makes it")
        return
    engine = open_engine(settings.store_url())
    try:
        reachable = check_store_settings(engine)
        yield reachable
        if reachable.level != "ok":
            return
        schema = check_schema_version(engine, newest_version())
        yield schema
        if schema.level == "ok":
            yield from examine_policy_change(frame, engine)
            loaded = yield from examine_engine(frame)
            yield from examine_adapters(frame, engine, loaded)
    finally:
        engine.dispose()


def examine_policy_change(frame: Frame, engine: Engine) -> Iterator[DoctorCheck]:
    """The findings about the policy in the store: a change without a reason, or one that needs a restart."""
    named = frame.policy()
    with read(engine) as session:
        latest = find_latest_change(session, desk_id=DEFAULT_DESK)
        unexplained = find_unexplained(session, desk_id=DEFAULT_DESK)
    if latest is not None and latest.sha256 != named.sha256:
        detail = f"{latest.name} is in force, the settings name another one: {named.name}"
        yield DoctorCheck(
            "in force", "warn", detail, "The next `rejoinder up` takes it; say why on /console then."
        )
    elif unexplained is not None:
        before, change = unexplained.before, unexplained.change
        moved = (
            f"from {before.name} to {change.name}" if before.name != change.name else f"within {change.name}"
        )
        detail = f"changed {moved} on {change.at:%Y-%m-%d %H:%M} UTC, and nobody has said why"
        yield DoctorCheck(
            "in force", "warn", detail, "An admin says why on the console's first page, /console."
        )


def check_schema_version(engine: Engine, needed: str) -> DoctorCheck:
    try:
        found = check_schema(engine)
    except SchemaNewer as fault:
        return DoctorCheck(
            "schema", "fail", str(fault), "Use the later version, or restore a backup made before it."
        )
    if found != needed:
        return DoctorCheck(
            "schema", "warn", f"{found or 'none'}, this version needs {needed}", "`rejoinder up` migrates it."
        )
    return DoctorCheck("schema", "ok", needed)


def examine_engine(frame: Frame) -> Generator[DoctorCheck, None, list[str] | None]:
    """Yields the engine's finding; returns the names it serves, or None if it does not answer."""
    try:
        served = list_served(frame)
    except EngineResting as rest:
        yield DoctorCheck("engine", "ok", str(rest))
        return None
    except EngineNotRunning:
        yield DoctorCheck("engine", "ok", "not running: `rejoinder up` starts it")
        return None
    except ServingError as fault:
        yield DoctorCheck("engine", "fail", str(fault), f"See {frame.data_dir / 'logs' / 'engine.log'}.")
        return None
    yield DoctorCheck("engine", "ok", f"serves {', '.join(served)}")
    second = read_second_engine(frame.data_dir)
    if second is not None:
        level: Level = "fail" if second.fault else "ok"
        remedy = f"See {frame.data_dir / 'logs' / 'checkpoint.log'}." if second.fault else ""
        yield DoctorCheck("second", level, str(second), remedy)
    return served


def examine_adapters(frame: Frame, engine: Engine, served: list[str] | None) -> Iterator[DoctorCheck]:
    """Whether deployed adapters are usable: files unchanged, made for this base, loaded if it runs."""
    with read(engine) as session:
        named = sorted(list_named(session))
    if not named:
        yield DoctorCheck("adapters", "ok", "none serves: base alone")
    for name in named:
        remedy = "`rejoinder rollback` serves the one before it; the files are in every backup."
        try:
            manifest = verify_staged(frame.data_dir / "adapters" / name)
            base_id = compute_base_id(resolve_base(frame.serving().base_model))
        except (ServingError, OSError) as fault:
            yield DoctorCheck("adapters", "fail", str(fault), remedy)
            continue
        if manifest.get("base_id") != base_id:
            yield DoctorCheck(
                "adapters", "fail", f"{name} was trained on another base than {base_id[:16]}", remedy
            )
        elif served is not None and name not in served:
            detail = f"{name} should serve and is not loaded"
            yield DoctorCheck("adapters", "warn", detail, "`rejoinder up` loads it within seconds.")
        else:
            yield DoctorCheck("adapters", "ok", f"{name}: files as staged" + (", loaded" if served else ""))
