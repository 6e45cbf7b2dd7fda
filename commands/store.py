"""The store as commands use it: opened for the length of a block, and only at the schema this version knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from commands.frame import Frame

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from feedback.deploy import Deployer


@contextmanager
def open_store(frame: Frame) -> "Iterator[Engine]":
    from feedback.store.session import open_engine

    engine = open_engine(frame.feedback().store_url())
    try:
        yield engine
    finally:
        engine.dispose()


def migrate_store(frame: Frame) -> tuple[str | None, str]:
    from sqlmodel import SQLModel

    from feedback.clock import SystemClock
    from feedback.store import tables  # noqa: F401
    from feedback.store.desks import ensure_desk
    from feedback.store.session import unit_of_work

    frame.data_dir.mkdir(parents=True, exist_ok=True)
    with open_store(frame) as engine:
        SQLModel.metadata.create_all(engine)
        with unit_of_work(engine) as session:
            ensure_desk(session, now=SystemClock().now())
    return None, "x"


@contextmanager
def open_deployer(frame: Frame) -> "Iterator[Deployer]":
    """What publishing needs, for a command that changes what serves."""
    from commands.fleets import CurrentFleet
    from feedback.clock import SystemClock
    from feedback.deploy import Deployer

    settings = frame.serving()
    fleet = CurrentFleet(settings, frame.data_dir)
    with open_store(frame) as engine:
        try:
            yield Deployer(
                store_engine=engine,
                fleet_factory=fleet,
                settings=settings,
                data_dir=frame.data_dir,
                clock=SystemClock(),
            )
        finally:
            fleet.close()
