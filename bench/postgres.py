"""A temporary PostgreSQL server for benchmarks, in a separate folder, with its default durable commits."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.report import FigureValues, ending_on_term


def find_programs() -> Path | None:
    """Directory of initdb and pg_ctl of the newest installed server, or None."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


def on_each_database(folder: Path, measure: Callable[[str, str], FigureValues]) -> FigureValues:
    """What `measure(name, url)` finds on SQLite and, where it is installed, on PostgreSQL."""
    found = measure("sqlite", f"sqlite:///{folder / 'rejoinder.db'}")
    programs = find_programs()
    if programs is None:
        print("PostgreSQL is not installed: its half is left out")
        return found
    with running_postgres(programs) as url:
        return found | measure("postgresql", url)


@contextlib.contextmanager
def running_postgres(programs: Path) -> Iterator[str]:
    """Yields the URL of an empty database; the server listens on a unix socket and stops after the block."""
    home = Path(tempfile.mkdtemp(prefix="rejoinder-bench-"))
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(home, "postgres", "postgres")
    data = str(home / "data")
    control = [*user, str(programs / "pg_ctl"), "-D", data]

    def run(*command: str, check: bool = True) -> None:
        subprocess.run(command, check=check, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    try:
        run(*user, str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust")
        run(*control, "-w", "-o", f"-c listen_addresses= -k {home}", "-l", str(home / "log"), "start")
        with ending_on_term():
            yield f"postgresql+psycopg://postgres@/postgres?host={home}"
    finally:
        run(*control, "-m", "immediate", "stop", check=False)
        shutil.rmtree(home, ignore_errors=True)
