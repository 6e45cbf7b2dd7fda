"""Opens the objects that commands need to change what serves."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Engine

from commands.frame import Frame
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.deployment.deploy import Deployer
from serving.client.current import CurrentFleet
from serving.settings import ServingSettings


@contextmanager
def open_deployer(frame: Frame) -> Iterator[Deployer]:
    """Opens a deployer and closes it after the block."""
    settings = frame.settled()
    fleet = CurrentFleet(settings, frame.data_dir)
    with closing(fleet), open_store(frame) as engine:
        yield make_deployer(frame, settings, fleet, engine)


def make_deployer(frame: Frame, settings: ServingSettings, fleet: CurrentFleet, engine: Engine) -> Deployer:
    return Deployer(engine, fleet, settings, frame.data_dir, SystemClock(), frame.policy())
