"""Fetches the wheels that `bench/gpu.sh` takes to a machine without an index: bench/gpu.sh --fetch

What it needs is what the parts have loaded here once they ran on a toy model, in the versions installed here;
torch and its own are the other machine's. Nothing here is installed or changed.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions, version
from pathlib import Path

from bench.gpu import TINY_PARTS
from bench.packed import main as run_packed
from bench.report import make_parser
from bench.train import main as run_train

PYTHON = "3.12"
GLIBC = ("_2_28", "_2_27", "_2_24", "_2_17", "2014", "2010", "1")
OWN = {"torch", "triton", "setuptools", "pip", "rejoinder"}  # of the other machine, and this project


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_wheel_options(arguments)
    needed = list_needed(OWN | set(asked.without))
    asked.folder.mkdir(parents=True, exist_ok=True)
    fetching = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
    fetching += ["--only-binary=:all:", "--python-version", asked.python, "--implementation", "cp"]
    fetching += [f"--platform=manylinux{glibc}_x86_64" for glibc in GLIBC]
    done = subprocess.run([*fetching, "--dest", str(asked.folder), *needed])
    if done.returncode:
        sys.exit(done.returncode)
    size = sum(file.stat().st_size for file in asked.folder.glob("*.whl"))
    print(f"{len(needed)} packages, {size / 1e6:.0f} MB in {asked.folder}, for Python {asked.python}, x86-64")


def read_wheel_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", nargs="*", default=[], help="packages that the other machine has")
    parser.add_argument("--python", default=PYTHON, help=f"of the other machine  [default: {PYTHON}]")
    return parser.parse_args(arguments)


def list_needed(left_out: set[str]) -> list[str]:
    """`name==version` of each package that training a toy model loads, dependencies included."""
    run_train(TINY_PARTS["train"].command.split()[1:])
    run_packed(TINY_PARTS["packed"].command.split()[1:])
    return name_loaded(sys.modules, left_out)


def name_loaded(modules: Iterable[str], left_out: set[str]) -> list[str]:
    """The packages that these modules belong to, each with its version."""
    owners = packages_distributions()
    names = {name for module in modules for name in owners.get(module.split(".")[0], [])}
    return sorted(f"{name}=={version(name).split('+')[0]}" for name in names if name.lower() not in left_out)


if __name__ == "__main__":
    main()
