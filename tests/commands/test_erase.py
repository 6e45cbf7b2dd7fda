"""`rejoinder erase`, and a restored backup that loses again what was erased after it was made."""

import json
from pathlib import Path

from commands.frame import Frame
from commands.store import open_store
from feedback.store.engine import read, unit_of_work
from tests.commands.conftest import Call
from tests.commands.test_backup import run
from tests.databases import START
from tests.feedback.erasure.traces import find_traces

WORD = "quokka"


def talk(data_dir: Path, customer: str) -> str:
    from feedback.store.conversations import IncomingMessage, open_conversation

    with open_store(Frame(data_dir, None)) as engine, unit_of_work(engine) as session:
        said = [IncomingMessage("customer", f"Where is my {WORD}?")]
        opened = open_conversation(session, desk_id="default", now=START, messages=said, customer_id=customer)
        return opened.conversation.id


def traces(data_dir: Path) -> list[str]:
    with open_store(Frame(data_dir, None)) as engine:
        return find_traces(engine, data_dir, WORD)


def test_it_asks_erases_and_names_the_proof(call: Call, store: Path) -> None:
    talk(store, "c-1")
    declined = call("erase", "--customer", "c-1")  # nobody answers the question
    assert declined.exit_code == 1 and traces(store) != []
    done = call("erase", "--customer", "c-1", "--yes", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and Path(told["proof"]).is_file() and told["rebuilt"] == {}
    assert traces(store) == []
    assert call("erase", "--customer", "c-1", "--yes").exit_code == 3


def test_a_conversation_by_its_id_and_nothing_else(call: Call, store: Path) -> None:
    first, second = talk(store, "c-1"), talk(store, "c-1")
    assert call("erase", "--conversation", first, "--yes").exit_code == 0
    with open_store(Frame(store, None)) as engine, read(engine) as session:
        from feedback.store.tables import Conversation

        assert session.get_one(Conversation, first).erased_at is not None
        assert session.get_one(Conversation, second).erased_at is None
    assert call("erase").exit_code == 2
    assert call("erase", "--conversation", second, "--again").exit_code == 2


def test_restoring_a_backup_erases_again(call: Call, store: Path, tmp_path: Path) -> None:
    talk(store, "c-1")
    old = Path(run("backup.sh", store, tmp_path / "backups").stdout.strip())
    call("erase", "--customer", "c-1", "--yes")
    log = store / "erasures" / "log.jsonl"
    told = run("restore.sh", old, tmp_path / "told", log)
    assert told.returncode == 0, told.stderr
    assert traces(tmp_path / "told") == []

    untold = run("restore.sh", old, tmp_path / "untold")
    assert untold.returncode == 0, untold.stderr
    assert traces(tmp_path / "untold") != []  # no backup after the erasure, no log named: nobody can know
    lost = run("restore.sh", old, tmp_path / "lost", tmp_path / "no.jsonl")
    assert lost.returncode == 1 and "no log of erasures" in lost.stderr


def test_a_later_backup_beside_it_tells_the_older_one(call: Call, store: Path, tmp_path: Path) -> None:
    talk(store, "c-1")
    old = Path(run("backup.sh", store, tmp_path / "backups").stdout.strip())
    old = old.rename(old.with_name("20261101T000000Z"))  # two in one second would have one name
    call("erase", "--customer", "c-1", "--yes")
    assert run("backup.sh", store, tmp_path / "backups").returncode == 0
    done = run("restore.sh", old, tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert traces(tmp_path / "new") == []
