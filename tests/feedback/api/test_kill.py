"""Nothing acknowledged is lost when the process is killed: the row is there before the answer."""

import os
import signal
import subprocess
import sys

import pytest
from sqlmodel import col, select

from feedback.store.engine import open_engine, read
from feedback.store.tables import Conversation, Event, Message

WRITER = """
import sys
from pathlib import Path
from tests.feedback.desk import make_desk
from feedback.store.engine import open_engine
desk = make_desk(open_engine(sys.argv[1]), Path(sys.argv[2]))
while True:
    print(desk.open()["conversation_id"], flush=True)
"""


@pytest.mark.parametrize("acknowledged", [9])
def test_what_was_acknowledged_is_there_after_a_kill(store_engine, tmp_path, acknowledged):
    url = store_engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WRITER, url, str(tmp_path)]
    seen = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            seen.append(line.strip())
            if len(seen) == acknowledged:
                os.kill(writer.pid, signal.SIGKILL)
    after = open_engine(url)
    with read(after) as session:
        kept = set(session.exec(select(Conversation.id)).all())
        spoken = set(
            session.exec(select(Message.conversation_id).where(col(Message.text).is_not(None))).all()
        )
        events = len(session.exec(select(Event.id)).all())
    after.dispose()
    assert len(seen) >= acknowledged and set(seen) <= kept
    assert kept == spoken and len(kept) == events, "whole writes or none"
