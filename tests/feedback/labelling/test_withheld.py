"""Items that show what a withdrawn source brought are handed to nobody until it is resumed."""

from feedback.store.engine import unit_of_work
from feedback.store.sources import change_source_state, register_sources
from feedback.store.tables import Conversation, Item, Label, Record
from tests.databases import START
from tests.feedback.labelling.tasks import ASKED, add_task, say, take
from tests.feedback.labelling.test_progress import claim, count_left, end


def bring_shop(desk):
    """The ids of a record and of a conversation of the source `shop`."""
    talk = desk.open("Where is my order?")["conversation_id"]
    body = {"prompt": ASKED, "candidates": [{"text": "One."}, {"text": "Two."}], "picked": [0]}
    named = {"kind": "choice", "source": "shop", "identity": "c1", "conversation": "c"}
    with unit_of_work(desk.engine) as session:
        register_sources(session, desk_id="default", kinds={"shop": "user"}, now=START)
        session.get_one(Conversation, talk).source = "shop"
        row = Record(desk_id="default", tags=[], body=body, created_at=START, **named)
        session.add(row)
        session.flush()
        return str(row.id), talk


def show(desk, item, kind, id, **columns):
    with unit_of_work(desk.engine) as session:
        row = session.get_one(Item, item.id)
        row.subject_kind, row.subject_id = kind, id
        for name, value in columns.items():
            setattr(row, name, value)


def set_state(desk, state):
    told = {"name": "shop", "state": state, "actor": "eva", "reason": "the licence ended", "now": START}
    with unit_of_work(desk.engine) as session:
        change_source_state(session, desk_id="default", **told)


def test_nothing_of_a_withdrawn_source_is_handed_out_until_it_is_resumed(desk):
    """Of five items the first repeats one that shows a record, the second checks a text for that one, the
    third repeats the check, the fourth shows a conversation, and the last nothing of the source.
    """
    record, talk = bring_shop(desk)
    before, (shown,) = add_task(desk.engine, items=1)
    show(desk, shown, "record", record)
    assert take(desk, before, "ben") == shown.id
    say(desk, shown.id, "ben", {"side": "a"})
    task, items = add_task(desk.engine, items=5)
    show(desk, items[0], "item", shown.id)
    show(desk, items[1], "label", desk.row(Label).id)
    show(desk, items[2], "item", items[1].id)
    show(desk, items[3], "conversation", talk, conversation_id=talk)
    assert (count_left(desk.engine, before), count_left(desk.engine, task)) == (1, 5)
    set_state(desk, "withdrawn")
    assert (count_left(desk.engine, before), count_left(desk.engine, task)) == (0, 1)
    assert claim(desk.engine, before) is None
    given = claim(desk.engine, task)
    assert given is not None and given.item_id == items[4].id
    end(desk.engine, given.item_id, passes=True)
    assert claim(desk.engine, task) is None
    set_state(desk, "active")
    again = claim(desk.engine, task)
    assert again is not None and again.item_id == items[0].id and count_left(desk.engine, task) == 4


def test_whoever_has_such_an_item_may_finish_it(desk):
    record, _ = bring_shop(desk)
    task, (item,) = add_task(desk.engine, items=1)
    show(desk, item, "record", record)
    assert take(desk, task, "ben") == item.id
    set_state(desk, "withdrawn")
    assert take(desk, task, "ben") == item.id
    say(desk, item.id, "ben", {"side": "a"})
    assert take(desk, task, "ben") is None
