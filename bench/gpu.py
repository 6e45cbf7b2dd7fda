"""Measures training on a GPU, part by part, in ten minutes at most. `bench/gpu.sh` starts it.

    bench/gpu.sh            random weights of the 0.5B shape in bfloat16, on the first CUDA device
    bench/gpu.sh --tiny     the same parts on this machine's CPU with a toy model: its figures mean nothing

Each part is a command in a process of its own and under its own time limit, so that one that fails leaves the
others their figures. The last line is one JSON object; the exit code is 1 if a part failed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from bench.report import make_parser, read_commit

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "transformers", "trl", "peft")
TOTAL = 590  # seconds, what `gpu.sh` took before included


class GpuPart(NamedTuple):
    """A benchmark with its arguments, and the seconds it may take."""

    command: str
    limit: float


GPU = "--device cuda --shape qwen2.5-0.5b"
LONG = "--lengths 7000/250/4"  # 8,000 tokens a row
PARTS = {
    "train": GpuPart(f"bench.train {GPU} --lengths 400/60/4 --turns 0 --rounds 2 --steps 1", 270),
    "long_rows": GpuPart(f"bench.train {GPU} {LONG} --turns 0 --rounds 2 --steps 1 --step 4", 180),
    "packed": GpuPart(f"bench.packed {GPU}", 80),
}
TOY = "--device cpu --shape tiny --rounds 1"
TOY_TRAIN = f"bench.train {TOY} --threads 1 --turns 0 --step 1 --steps 1"
TINY_PARTS = {
    "train": GpuPart(f"{TOY_TRAIN} --lengths 24/6/4", TOTAL),
    "long_rows": GpuPart(f"{TOY_TRAIN} --lengths 200/20/4", TOTAL),
    "packed": GpuPart(f"bench.packed {TOY} --lengths 24/6/4 200/20/4 --choices 1", TOTAL),
}


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_gpu_options(arguments)
    started = time.monotonic() - asked.already
    device = "cpu" if asked.tiny else find_device()
    if device is None:
        print(f"{sys.executable} sees no CUDA device: --tiny takes the CPU instead", file=sys.stderr)
        sys.exit(2)
    known = TINY_PARTS if asked.tiny else PARTS
    found = run_parts({name: known[name] for name in asked.parts}, ends=started + TOTAL)
    line = {
        "bench": "gpu",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": read_commit(),
        "device": device,
        "versions": find_library_versions(),
        "seconds": round(time.monotonic() - started),
        "parts": found,
        "failed": [name for name, part in found.items() if "failed" in part],
    }
    if not asked.tiny:
        RESULTS.mkdir(exist_ok=True)
        with (RESULTS / "gpu.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")
    print(json.dumps(line))
    sys.exit(1 if line["failed"] else 0)


def read_gpu_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--tiny", action="store_true", help="a toy model on the CPU")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="[default: all]")
    parser.add_argument("--already", type=float, default=0.0, help="seconds that the installation took")
    return parser.parse_args(arguments)


def find_device() -> str | None:
    """The name of the first CUDA device. Another process asks: this one holds no memory of the device."""
    asked = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    return done.stdout.strip() or None


def find_library_versions() -> dict[str, str]:
    """What was measured with; a missing package is why a part failed."""
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def run_parts(parts: Mapping[str, GpuPart], *, ends: float) -> dict[str, dict[str, Any]]:
    """What each part found, or `failed` with the reason. None runs on after `ends` on the monotonic clock."""
    found = {}
    for name, part in parts.items():
        limit = min(part.limit, ends - time.monotonic())
        print(f"== {name}: {part.command}  (at most {limit:.0f} s)", flush=True)
        found[name] = run_part(part.command, limit) if limit > 0 else {"failed": "no time was left"}
    return found


def run_part(command: str, limit: float) -> dict[str, Any]:
    """The JSON line that a benchmark ends with, its output copied to ours."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *command.split()],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # what it starts ends with it
        )
        try:
            code: int | None = child.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_group(child)
        output.seek(0)
        text = output.read().strip()
    print(text, flush=True)
    taken = {"seconds": round(time.monotonic() - started)}
    last = text.splitlines()[-1] if text else ""
    if code is None:
        return {"failed": f"not done after {limit:.0f} s", **taken}
    if code:
        return {"failed": f"exit code {code}: {last}", **taken}
    line: dict[str, Any] = json.loads(last)
    return line | taken


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Ends a child and what it started, whether or not it has ended by itself."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        child.wait()


if __name__ == "__main__":
    main()
