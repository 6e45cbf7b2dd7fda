"""Checkpoints in service: at most one, by the second engine, which `rejoinder up` starts.

Who publishes writes down that a checkpoint is coming, waits here until its engine serves it, and probes it
like any adapter. Who keeps the engines asks here which checkpoint is wanted. A rollback waits for nothing:
its rows alone decide who answers next.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from feedback.deployment.needed import is_coming, is_needed
from feedback.errors import CheckpointStarts
from feedback.store import adapters
from feedback.store.deployments import list_named
from serving.client.endpoint import read_second_engine
from serving.errors import CheckpointNotServed

LOOK_EVERY_S = 0.25


def find_other(session: Session, name: str, *, leaving: str | None = None) -> str | None:
    """Another checkpoint in service, if `name` is a checkpoint. `leaving` is on its way out."""
    if not adapters.is_checkpoint(session, name=name):
        return None
    others = sorted(list_named(session) - {name, leaving})
    return next((other for other in others if adapters.is_checkpoint(session, name=other)), None)


def await_engine(data_dir: Path, name: str, *, within_s: float) -> None:
    """Returns once the second engine serves this checkpoint. Raises CheckpointNotServed if its start failed,
    CheckpointStarts if it takes longer than that.
    """
    for _ in range(max(1, round(within_s / LOOK_EVERY_S))):
        found = read_second_engine(data_dir)
        if found is not None and found.name == name:
            if found.fault is not None:
                raise CheckpointNotServed(name, found.fault)
            if found.endpoint is not None:
                return
        threading.Event().wait(LOOK_EVERY_S)
    raise CheckpointStarts(name)


def choose_wanted(
    session: Session,
    running: str | None,
    *,
    base_id: str,
    now: datetime,
    within: timedelta,
    is_on_disk: Callable[[str], bool],
) -> str | None:
    """The checkpoint that the second engine should serve now: the one that the deployments name, else one
    that is coming since `within`, else the one that runs while sets in preparation may ask for it.
    """

    def fits(name: str) -> bool:
        own = adapters.is_checkpoint(session, name=name)
        return own and adapters.is_of_base(session, name=name, base_id=base_id) and is_on_disk(name)

    named = [name for name in sorted(list_named(session)) if fits(name)]
    if named:
        return named[0]
    coming = [
        name
        for name in adapters.list_checkpoints(session)
        if is_coming(session, name, now=now, within=within) and fits(name)
    ]
    if coming:
        return coming[0]
    return running if running is not None and fits(running) and is_needed(session, running, now=now) else None
