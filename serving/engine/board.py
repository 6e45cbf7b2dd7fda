"""Where a supervised engine says that it listens, and what it is called: the engine of the base, and the
second one, which serves a checkpoint.

Clients of the base ask an engine that is starting again and again; a checkpoint is asked for once its engine
is ready, since base stands in for it until then.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from serving.client.endpoint import (
    Endpoint,
    SecondEngine,
    remove_endpoints,
    remove_second_engine,
    write_endpoints,
    write_second_engine,
)


class Board(Protocol):
    """`process`: the name of the process and of its log."""

    @property
    def process(self) -> str: ...

    @property
    def takes_adapters(self) -> bool: ...

    def write_start(self, data_dir: Path, endpoint: Endpoint) -> None: ...

    def write_ready(self, data_dir: Path, endpoint: Endpoint) -> None: ...

    def remove(self, data_dir: Path) -> None: ...


@dataclass(frozen=True)
class MainBoard:
    process: str = "engine"
    takes_adapters: bool = True

    def write_start(self, data_dir: Path, endpoint: Endpoint) -> None:
        write_endpoints(data_dir, [endpoint])

    def write_ready(self, data_dir: Path, endpoint: Endpoint) -> None:
        """Clients know it since its start, but after a rest."""
        write_endpoints(data_dir, [endpoint])

    def remove(self, data_dir: Path) -> None:
        remove_endpoints(data_dir)


@dataclass(frozen=True)
class CheckpointBoard:
    name: str
    process: str = "checkpoint"
    takes_adapters: bool = False

    def write_start(self, data_dir: Path, endpoint: Endpoint) -> None:
        write_second_engine(data_dir, SecondEngine(self.name))

    def write_ready(self, data_dir: Path, endpoint: Endpoint) -> None:
        write_second_engine(data_dir, SecondEngine(self.name, endpoint))

    def remove(self, data_dir: Path) -> None:
        remove_second_engine(data_dir)


MAIN = MainBoard()
