"""Bringing a staged adapter up on every engine, and taking one down without cutting a reply off.

Called by `feedback.deployment.deploy`, which writes the deployment row between the two. Decides nothing about
what should serve.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from serving.adapters.probe import ProbeReport, read_probe, run_probe
from serving.adapters.staging import verify_staged
from serving.client.fleet import Fleet
from serving.errors import ProbeFailed, ServingError

_POLL_S = 0.05


def bring_up(fleet: Fleet, name: str, path: Path, *, probe_path: Path, tolerance: float) -> ProbeReport:
    """Verifies the files, loads them under `name` on every engine and probes each; unloads again on failure.

    `path` is the staged version `adapters/<name>` or its `weights`. A name that was loaded before and fails
    is unloaded as well: what does not compute as trained must not serve.
    """
    version = path.parent if path.name == "weights" else path
    manifest = verify_staged(version)
    probe = read_probe(probe_path, name)
    if probe.base_id != manifest.get("base_id"):
        raise ProbeFailed(
            name, "-", f"it was probed on base {probe.base_id[:16]}, staged for {manifest.get('base_id')}"
        )
    fleet.load_adapter(name, version / "weights")
    try:
        return run_probe(fleet, name, probe, tolerance=tolerance)
    except ServingError as failure:
        try:
            fleet.unload_adapter(name)
        except ServingError as second:
            failure.add_note(f"and could not be unloaded everywhere: {second}")
        raise


def drain_and_unload(fleet: Fleet, name: str, *, in_flight: Callable[[str], int], timeout_s: float) -> None:
    """Waits until no request of ours names the adapter, at most `timeout_s`, and takes the name away.

    Past the limit it is unloaded all the same: vLLM lets replies that run finish.
    """
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while in_flight(name) > 0 and time.monotonic() < deadline:
        pause.wait(_POLL_S)
    fleet.unload_adapter(name)
