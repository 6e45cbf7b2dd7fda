"""Every command of docs/tutorial.md, in its order and in one shell, against the instance of the loop tests.

`make run` is that instance. Fewer sets are judged than the page says: its recipe and policy need no more.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import col, select

from bench.instance import ROOT, Service
from feedback.store.tables import Deployment
from tests.loop.looking import reading

pytestmark = [pytest.mark.real, pytest.mark.alone]


def read_commands() -> list[str]:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)\n```$", text, flags=re.M | re.S)).splitlines()


def test_the_tutorial_promotes_an_adapter_and_takes_it_back(service: Service, tmp_path: Path) -> None:
    first, *commands = read_commands()
    assert first == "make run"
    script = "\n".join(commands)
    assert script.count("--sets 300") == 1 and len(commands) >= 10

    # The page's `.venv/bin`, wherever the environment of these tests lies.
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script.replace("--sets 300", "--sets 40")],
        cwd=tmp_path,
        env={**os.environ, **service.environment, "REJOINDER_DATA_DIR": str(service.data_dir)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    with reading(service) as session:
        rows = session.exec(select(Deployment).order_by(col(Deployment.fencing_token))).all()
    promoted, *_, last = [
        row for row in rows if row.reason == "Its replies are warmer"
    ]  # live, and no canary
    assert promoted.role == "live" and promoted.adapter is not None
    assert (rows[-1].reason, rows[-1].role) == ("Only a rehearsal", "live")
    assert rows[-1].adapter != promoted.adapter
    assert f"{promoted.adapter} is live (fencing token {last.fencing_token})." in done.stdout
    assert f"Rolled back {promoted.adapter}; " in done.stdout
