"""`rejoinder doctor` on rate limits: where requests are counted, whether callers can be told apart."""

import json
from pathlib import Path

from commands.checks import DoctorCheck
from commands.frame import Frame
from feedback.settings import FeedbackSettings

UNNAMED = "unnamed_proxy.json"  # as in feedback/web/peers.py, which needs the web's libraries


def check_limits(frame: Frame) -> DoctorCheck:
    """Whether several web processes share their rate-limit counts."""
    settings = frame.feedback()
    if settings.limits_url:
        return ask_store(settings)
    processes = count_processes(frame.data_dir)
    remedy = "Name a Valkey or Redis for all of them in [feedback] limits_url."
    if processes > 1:
        return DoctorCheck("limits", "warn", f"{processes} web processes count callers apart", remedy)
    if settings.database_url:
        detail = "counted in each web process apart, and this store may have several"
        return DoctorCheck("limits", "warn", detail, remedy)
    return DoctorCheck("limits", "ok", "counted in the one web process")


def ask_store(settings: FeedbackSettings) -> DoctorCheck:
    try:
        from feedback.web.limits import as_storage, reach
    except ImportError:
        return DoctorCheck(
            "limits", "ok", "counted in Valkey or Redis; the web is not installed here to ask it"
        )
    where = as_storage(settings.limits_url).rpartition("@")[2].rpartition("://")[2]
    fault = reach(settings.limits_url)
    if fault is None:
        return DoctorCheck("limits", "ok", f"counted together at {where}")
    remedy = "Start it, or correct [feedback] limits_url; each process counts for itself meanwhile."
    return DoctorCheck("limits", "warn", f"{where} does not answer: {fault}", remedy)


def count_processes(data_dir: Path) -> int:
    """The number of running web processes here: each has a socket named by its process id."""
    found = (path.name.partition("-")[0] for path in (data_dir / "signals").glob("*.sock"))
    return sum(Path("/proc", id).exists() for id in found)


def check_proxy(frame: Frame) -> DoctorCheck:
    """Whether the settings name a proxy that is in front, so that each caller keeps a separate address."""
    settings = frame.feedback()
    if settings.trusted_proxies:
        return DoctorCheck("proxy", "ok", f"{settings.trusted_proxies} believed")
    try:
        peer = json.loads((frame.data_dir / UNNAMED).read_text(encoding="utf-8"))["peer"]
    except (OSError, ValueError, KeyError):
        return DoctorCheck("proxy", "ok", "none in front")
    return DoctorCheck(
        "proxy",
        "warn",
        f"every request comes from {peer}, forwarded: all callers count as one",
        "Set [feedback] trusted_proxies to the number of proxies in front.",
    )
