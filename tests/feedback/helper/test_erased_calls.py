"""Erasing a customer takes what the helper was sent and what it said; ids, states and tokens stay."""

import pytest
from sqlmodel import select

from feedback.helper.errors import ItemGone, TextGone
from feedback.helper.write import PARAPHRASE, AskedText, write_text
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.helper_subjects import CONVERSATION, ITEM, RECORD, CallSubject
from feedback.store.imports import remove_added
from feedback.store.tables import Conversation, HelperCall, HelperSubject, Record
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.helper.scripted import completion, make_helper, make_question, scripted
from tests.feedback.labelling.settled import put_item, put_task

TALK = ErasedSubject(["c"])


def erase(engine, subject=TALK):
    with unit_of_work(engine) as session:
        erase_rows(session, subject=subject, now=START)


def tell_texts(engine):
    """By the name of the record that each call is about, whether it has a key, a request and an answer."""
    query = select(HelperSubject.name, HelperCall).join(HelperCall, HelperCall.id == HelperSubject.call_id)
    with read(engine) as session:
        found = session.exec(query).all()
    return {name: {bool(row.key), bool(row.request), bool(row.answer)} for name, row in found}


def test_erasure_reaches_calls_also_those_in_progress(sqlite_engine):
    with unit_of_work(sqlite_engine) as session:
        session.add(Conversation(id="c", desk_id=DESK, source="live", created_at=START))
    task_id = put_task(sqlite_engine)
    item_id, other_id = (
        put_item(sqlite_engine, task_id, position=place, conversation_id="c") for place in (1, 2)
    )

    def answer(_):
        if len(address.asked) == 2:  # this request is on its way
            erase(sqlite_engine)
        return completion({"side": "a"})

    with scripted(answer) as address:
        helper = make_helper(sqlite_engine, FrozenClock(START), address.address)
        helper.ask(make_question(item_id=item_id))
        for asked in (
            make_question("Where is my order 1043?", item_id=other_id),
            make_question(item_id=item_id),
        ):
            with pytest.raises(ItemGone):
                helper.ask(asked)
        assert len(address.asked) == 2
    with read(sqlite_engine) as session:
        rows = session.exec(select(HelperCall)).all()
    assert [(row.key, row.request, row.answer, row.state, row.tokens) for row in rows] == [
        ("", None, None, "ok", 25)
    ] * 2


ANSWERS = {"text": "Could you tell me where it is?"}
WHOLE, EMPTY = {True}, {False}


@pytest.fixture
def subjects(store_engine):
    """A live conversation, an imported record, and an item that a labeller settled of another one."""
    with unit_of_work(store_engine) as session:
        session.add(Conversation(id="c", desk_id=DESK, source="live", created_at=START))
        told = {"desk_id": DESK, "kind": "choice", "source": "star", "conversation": "s", "created_at": START}
        for id in (7, 8):
            session.add(Record(id=id, identity=str(id), body={"id": str(id)}, **told))
    task_id = put_task(store_engine)
    item_id = put_item(store_engine, task_id, subject=("record", 8))
    return [
        CallSubject(CONVERSATION, "c", "choice:1"),
        CallSubject(RECORD, "7", "choice:star/7"),
        CallSubject(ITEM, item_id, f"choice:label/{item_id}"),
    ]


def write(helper, subject):
    return write_text(helper, AskedText(PARAPHRASE, f"Where is it? {subject.name}", [], "c", [subject]))


@pytest.mark.parametrize("place", range(3))
def test_erasure_takes_a_text_that_was_written_of_a_record(store_engine, subjects, place):
    """Those of the others stay; and nothing more is sent of what is erased."""
    erased = [ErasedSubject(["c"]), ErasedSubject(records=[7]), ErasedSubject(records=[8])][place]
    with scripted(lambda _: completion(ANSWERS)) as address:
        helper = make_helper(store_engine, FrozenClock(START), address.address)
        for subject in subjects:
            assert write(helper, subject).text == ANSWERS["text"]
        erase(store_engine, erased)
        assert tell_texts(store_engine) == {
            subject.name: EMPTY if number == place else WHOLE for number, subject in enumerate(subjects)
        }
        with pytest.raises(TextGone, match=subjects[place].name):
            write(helper, subjects[place])
        assert len(address.asked) == 3


def test_a_text_that_comes_after_the_erasure_is_not_kept(sqlite_engine):
    with unit_of_work(sqlite_engine) as session:
        session.add(Conversation(id="c", desk_id=DESK, source="live", created_at=START))
    with scripted(lambda _: erase(sqlite_engine) or completion(ANSWERS)) as address:
        with pytest.raises(TextGone, match="choice:1"):
            write(
                make_helper(sqlite_engine, FrozenClock(START), address.address),
                CallSubject(CONVERSATION, "c", "choice:1"),
            )
    assert tell_texts(sqlite_engine) == {"choice:1": EMPTY}


def test_undoing_an_import_takes_what_was_written_of_it(store_engine, subjects):
    """The number of a record that is gone may be given to another one; a call about it is about nothing."""
    with scripted(lambda _: completion(ANSWERS)) as address:
        helper = make_helper(store_engine, FrozenClock(START), address.address)
        for subject in subjects[:2]:
            write(helper, subject)
        with unit_of_work(store_engine) as session:
            remove_added(session, added=ErasedSubject(["c"], [7]))
        with read(store_engine) as session:
            rows = session.exec(select(HelperCall)).all()
            assert session.exec(select(HelperSubject)).all() == []
    assert [(row.key, row.request, row.answer) for row in rows] == [("", None, None)] * 2
