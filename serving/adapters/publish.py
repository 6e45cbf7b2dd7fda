"""Brings a staged adapter up on every engine. `feedback.deployment.deploy` calls it and then writes the
deployment row. It does not decide what should serve.
"""

from pathlib import Path

from serving.adapters.probe import ProbeReport, read_probe, run_probe
from serving.adapters.staging import verify_staged
from serving.client.fleet import Fleet
from serving.errors import ProbeFailed, ServingError


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
