"""An import is a row, and can be taken back as a whole; what came of it elsewhere stays and is named."""

from datetime import timedelta

import pytest
from sqlmodel import select

from feedback.datasets.build import build_dataset
from feedback.datasets.selection import Selection
from feedback.erasure.undo import undo_import
from feedback.formats.errors import ImportAmbiguous, ImportNotFound, ImportUndone
from feedback.formats.importer import import_file
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import (
    DEFAULT_DESK,
    Conversation,
    Draft,
    Import,
    Message,
    Record,
    Run,
    SuggestionSet,
    Thumb,
    Turn,
    new_id,
)
from tests.databases import START
from tests.feedback.builders import add_turn
from tests.feedback.formats.files import CLOCK, bring_in, choice, write

TALK = {"id": "t1", "turns": [{"role": "customer", "text": "Hello"}, {"role": "agent", "text": "Hi"}]}


def count(engine, *tables):
    with read(engine) as session:
        return [len(session.exec(select(table)).all()) for table in tables]


def undo(engine, data_dir, start):
    return undo_import(engine, start=start, desk_id=DEFAULT_DESK, data_dir=data_dir, clock=CLOCK)


def test_an_undone_import_leaves_what_others_added_and_can_come_in_again(store_engine, tmp_path):
    first = bring_in(store_engine, write(tmp_path / "a.jsonl", choice(1), choice(2)))
    path = write(tmp_path / "b.jsonl", choice(2), choice(3))
    second = bring_in(store_engine, path)
    talks = import_file(store_engine, write(tmp_path / "c.jsonl", TALK), clock=CLOCK)
    assert count(store_engine, Record, Conversation, Message, Import) == [3, 1, 2, 3]

    undone = undo(store_engine, tmp_path, second.import_id)
    assert (undone.file, undone.records, undone.conversations, undone.kept) == ("b.jsonl", 1, 0, 0)
    undone = undo(store_engine, tmp_path, talks.import_id)
    assert (undone.records, undone.conversations) == (0, 1)
    assert count(store_engine, Record, Conversation, Message) == [2, 0, 0]
    with read(store_engine) as session:
        assert {row.import_id for row in session.exec(select(Record))} == {first.import_id}
        rows = {row.file: row for row in session.exec(select(Import))}
    assert rows["a.jsonl"].undone_at is None and rows["b.jsonl"].undone_at == START
    assert rows["a.jsonl"].counts == first.count() and rows["a.jsonl"].finished_at == START

    again = bring_in(store_engine, path)
    assert (again.accepted, again.duplicates) == (1, 1)
    with pytest.raises(ImportUndone):
        undo(store_engine, tmp_path, second.import_id)


def test_an_import_is_named_by_the_beginning_of_its_id(sqlite_engine, tmp_path):
    with unit_of_work(sqlite_engine) as session:
        for id in ("ab1", "ab2"):
            session.add(Import(id=id, desk_id=DEFAULT_DESK, file="x", created_at=START))
    with pytest.raises(ImportAmbiguous):
        undo(sqlite_engine, tmp_path, "ab")
    for start in ("", "zz", "%"):
        with pytest.raises(ImportNotFound):
            undo(sqlite_engine, tmp_path, start)
    assert undo(sqlite_engine, tmp_path, "ab2").id == "ab2"


def test_what_people_worked_on_and_what_was_erased_stays(sqlite_engine, tmp_path):
    path = write(tmp_path / "a.jsonl", *(TALK | {"id": f"t{number}"} for number in range(4)))
    report = import_file(sqlite_engine, path, clock=CLOCK)
    with unit_of_work(sqlite_engine) as session:
        answered, erased, *_ = session.exec(select(Conversation).order_by(Conversation.external_id))
        kept = {answered.id, erased.id}
        erased.erased_at = START
        later = {
            "created_at": START + timedelta(hours=1),
            "occurred_at": START,
            "position": 3,
            "role": "agent",
        }
        session.add(Message(desk_id=DEFAULT_DESK, conversation_id=answered.id, text="Still there?", **later))
    undone = undo(sqlite_engine, tmp_path, report.import_id)
    assert (undone.conversations, undone.kept) == (2, 1)
    with read(sqlite_engine) as session:
        assert set(session.exec(select(Conversation.id))) == kept


def touch(session, kind, talk):
    """One row that somebody's work on this conversation leaves; what else it needs belongs to another one."""
    elsewhere = add_turn(session)
    said = session.exec(select(Message).where(Message.conversation_id == talk.id)).first()
    of = {"desk_id": DEFAULT_DESK, "conversation_id": talk.id, "created_at": START}
    shown = {"turn_id": elsewhere.id, "attempt": 1, "state": "preparing", "design": "4+0", "slot_seed": 7}
    written = {"stands": True, "text": "We look into", "revision": 1}
    rows = {
        "turn": lambda: Turn(**of, message_id=said.id),
        "set": lambda: SuggestionSet(**of, **shown, resampled_arm="base", messages=[]),
        "draft": lambda: Draft(
            desk_id=DEFAULT_DESK, conversation_id=talk.id, agent="ann", **written, updated_at=START
        ),
        "thumb": lambda: Thumb(
            desk_id=DEFAULT_DESK,
            message_id=said.id,
            value=1,
            actor="visitor",
            occurred_at=START,
            created_at=START,
        ),
    }
    session.add(rows[kind]())


@pytest.mark.parametrize("kind", ["turn", "set", "draft", "thumb"])
def test_a_conversation_that_anybody_worked_on_stays(sqlite_engine, tmp_path, kind):
    path = write(tmp_path / "a.jsonl", TALK, TALK | {"id": "t2"})
    report = import_file(sqlite_engine, path, clock=CLOCK)
    with unit_of_work(sqlite_engine) as session:
        talk = session.exec(select(Conversation).where(Conversation.external_id == "t1")).one()
        touch(session, kind, talk)
    undone = undo(sqlite_engine, tmp_path, report.import_id)
    assert (undone.conversations, undone.kept) == (1, 1)
    with read(sqlite_engine) as session:
        assert session.get(Conversation, talk.id) is not None


def test_a_tombstone_of_a_record_stays_and_what_came_in_while_the_import_ran_goes(sqlite_engine, tmp_path):
    records = bring_in(sqlite_engine, write(tmp_path / "a.jsonl", choice(1), choice(2)))
    talks = import_file(sqlite_engine, write(tmp_path / "b.jsonl", TALK), clock=CLOCK)
    with unit_of_work(sqlite_engine) as session:
        erased = session.exec(select(Record)).first()
        erased.erased_at = START
        session.get_one(Import, talks.import_id).created_at = START - timedelta(hours=1)
    assert undo(sqlite_engine, tmp_path, records.import_id).records == 1
    assert undo(sqlite_engine, tmp_path, talks.import_id).conversations == 1
    assert count(sqlite_engine, Record, Conversation) == [1, 0]


def test_datasets_and_adapters_that_hold_its_records_are_named(sqlite_engine, tmp_path):
    other = bring_in(sqlite_engine, write(tmp_path / "a.jsonl", choice(100, source="other")))
    report = bring_in(sqlite_engine, write(tmp_path / "b.jsonl", *map(choice, range(30))))
    built = [
        build_dataset(
            sqlite_engine,
            desk_id=DEFAULT_DESK,
            data_dir=tmp_path,
            selection=Selection(sources=(source,)),
            clock=CLOCK,
        )
        for source in ("test", "other")
    ]
    with unit_of_work(sqlite_engine) as session:
        facts = {
            "kind": "night",
            "slot": "1",
            "dataset_id": built[0].id,
            "adapter": "a-1",
            "created_at": START,
        }
        session.add(Run(id=new_id(), desk_id=DEFAULT_DESK, **facts))
    undone = undo(sqlite_engine, tmp_path, report.import_id)
    assert (undone.datasets, undone.adapters) == ([built[0].id], ["a-1"])
    assert undo(sqlite_engine, tmp_path, other.import_id).datasets == [built[1].id]
