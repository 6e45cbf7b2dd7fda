"""Opens the objects that commands need to change what serves."""

from collections.abc import Iterator
from contextlib import contextmanager

from commands.frame import Frame
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.deployment.deploy import Deployer
from serving.client.current import CurrentFleet


@contextmanager
def open_deployer(frame: Frame) -> Iterator[Deployer]:
    """Opens a deployer and closes it after the block."""
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
                policy=frame.policy(),
            )
        finally:
            fleet.close()
