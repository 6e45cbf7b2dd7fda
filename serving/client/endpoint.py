"""Where engines listen and with which key, or that the engine rests: the files that supervisors write and
every client reads.

They are `endpoint.json` and, for the second engine, `checkpoint.json` (mode 0600) in the data directory.
Nothing here starts an engine or checks that one answers.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from serving.errors import EngineNotRunning, EngineResting
from serving.files import write_atomically
from serving.settings import ServingSettings

FILE_NAME = "endpoint.json"
CHECKPOINT_FILE = "checkpoint.json"


@dataclass(frozen=True)
class Endpoint:
    url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class SecondEngine:
    """The engine that serves a checkpoint, under the checkpoint's own name.

    `endpoint`: None until it serves; `fault`: why it could not be started.
    """

    name: str
    endpoint: Endpoint | None = None
    fault: str | None = None

    def __str__(self) -> str:
        if self.fault is not None:
            return f"could not be started for {self.name}: {self.fault}"
        return f"serves {self.name}" if self.endpoint else f"is being started for {self.name}"


def read_endpoints(settings: ServingSettings, data_dir: Path) -> list[Endpoint]:
    """The endpoints of the remote engines in the settings, or else of the engine on this machine.

    Raises EngineResting while that one has left its card to a run, EngineNotRunning if there is neither.
    """
    if settings.replicas:
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        return [Endpoint(url.rstrip("/"), key) for url in settings.replicas]
    path = data_dir / FILE_NAME
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = [Endpoint(replica["url"], replica["api_key"]) for replica in record["replicas"]]
        rest = record.get("rest") and read_rest(record["rest"])
    except (OSError, ValueError, KeyError, TypeError):
        found, rest = [], None
    if rest:
        raise rest
    if not found:
        raise EngineNotRunning(path)
    return found


def write_endpoints(data_dir: Path, endpoints: list[Endpoint]) -> None:
    record = {"replicas": [{"url": endpoint.url, "api_key": endpoint.api_key} for endpoint in endpoints]}
    write_atomically(data_dir / FILE_NAME, json.dumps(record, indent=2).encode() + b"\n", mode=0o600)


def read_second_engine(data_dir: Path) -> SecondEngine | None:
    """What the second engine does; None where no checkpoint is wanted."""
    try:
        record = json.loads((data_dir / CHECKPOINT_FILE).read_text(encoding="utf-8"))
        found = record["endpoint"]
        endpoint = Endpoint(found["url"], found["api_key"]) if found else None
        return SecondEngine(record["name"], endpoint, record["fault"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_second_engine(data_dir: Path, found: SecondEngine) -> None:
    write_atomically(
        data_dir / CHECKPOINT_FILE, json.dumps(asdict(found), indent=2).encode() + b"\n", mode=0o600
    )


def remove_second_engine(data_dir: Path) -> None:
    (data_dir / CHECKPOINT_FILE).unlink(missing_ok=True)


def write_rest(data_dir: Path, until: datetime | None, *, is_gone: bool) -> None:
    """Writes that the engine rests. Until it `is_gone`, it still holds memory of the card."""
    rest = {"until": until.isoformat() if until is not None else None, "is_gone": is_gone}
    record = {"replicas": [], "rest": rest}
    write_atomically(data_dir / FILE_NAME, json.dumps(record, indent=2).encode() + b"\n", mode=0o600)


def read_rest(record: dict[str, Any]) -> EngineResting:
    until = record["until"] and datetime.fromisoformat(record["until"])
    return EngineResting(until, is_gone=record["is_gone"])


def remove_endpoints(data_dir: Path) -> None:
    (data_dir / FILE_NAME).unlink(missing_ok=True)
