"""The engines of a comparison: the one that serves and a temporary one of the new base beside it.

Without a running service the old side has a temporary engine as well. Both are gone when the block ends, also
when this process is killed: what a killed one left is ended by the next.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from commands.frame import Frame
from commands.instance import is_running
from serving.client.current import CurrentFleet
from serving.client.fleet import Fleet
from serving.engine.supervisor import Supervisor
from serving.settings import ServingSettings

FindFleet = Callable[[], Fleet]


@contextmanager
def comparing_engines(
    frame: Frame, folder: Path, old: ServingSettings, new: ServingSettings, say: Callable[[str], None]
) -> Iterator[tuple[FindFleet, FindFleet]]:
    """How to reach the old and the new side. Raises MemoryShort or another EngineStartFailed."""
    with ExitStack() as stack:
        if is_running(frame.data_dir):
            say("the running service answers for the old side; an engine of the new base starts beside it")
            current = CurrentFleet(old, frame.data_dir)
            stack.callback(current.close)
            find_old: FindFleet = current
        else:
            say("no service runs here: an engine of each base starts, both at once")
            old_fleet = stack.enter_context(temporary_engine(old, folder / "old", say))
            find_old = lambda: old_fleet  # noqa: E731 - the other branch has an object
        new_fleet = stack.enter_context(temporary_engine(new, folder / "new", say))
        yield find_old, lambda: new_fleet


@contextmanager
def temporary_engine(settings: ServingSettings, folder: Path, say: Callable[[str], None]) -> Iterator[Fleet]:
    """An engine on a free port, with its log in `folder`, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = settings.model_copy(update={"port": 0})
    supervisor = Supervisor(chosen, folder, lambda fleet: None, lambda name, note: say(f"{name} {note}"))
    try:
        supervisor.start()
        fleet = supervisor.wait_ready()
        say(f"{settings.base_model} answers (log: {supervisor.log_path})")
        yield fleet
    finally:
        supervisor.stop()
