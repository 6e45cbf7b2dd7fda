"""Erasing a customer takes what the helper was sent and what it said; ids, states and tokens stay."""

import pytest
from sqlmodel import select

from feedback.helper.errors import ItemGone
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.tables import Conversation, HelperCall
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.helper.scripted import completion, make_helper, make_question, scripted
from tests.feedback.labelling.settled import put_item, put_task


def erase(engine):
    with unit_of_work(engine) as session:
        erase_rows(session, subject=ErasedSubject(["c"]), now=START)


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
