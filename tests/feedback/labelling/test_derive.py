"""Outcomes become records and tags in their transaction, and go with them; on both databases."""

from sqlmodel import select

from feedback.store.derived_records import count_stale, renew_all
from feedback.store.engine import read, unit_of_work
from feedback.store.new_records import count_new_choices
from feedback.store.records import add_records
from feedback.store.tables import Conversation, Item, Record
from feedback.store.tags import match_tag
from tests.databases import START
from tests.feedback.builders import DESK, add_conversation
from tests.feedback.chain import record as make_record
from tests.feedback.labelling.settled import come_to, put_item, put_label, put_task, settle
from tests.feedback.labelling.tasks import add_task, say, take

TAGGED = {"question": {"options": ["billing/refund", "orders"]}}


def read_rows(engine, **which):
    with read(engine) as session:
        return session.exec(select(Record).filter_by(origin_kind="label", **which)).all()


def read_tags(engine, table, id):
    with read(engine) as session:
        return session.get_one(table, id).tags


def test_an_outcome_is_a_record_and_an_open_item_is_none(store_engine):
    item = put_item(store_engine, put_task(store_engine))
    put_label(store_engine, item, {"side": "a"})
    assert read_rows(store_engine) == []
    come_to(store_engine, item, {"side": "a"})
    (row,) = read_rows(store_engine)
    assert (row.origin_id, row.kind, row.settled, row.rejection, row.agent) == (
        item,
        "choice",
        "pick",
        None,
        "ann",
    )
    with read(store_engine) as session:
        assert count_new_choices(session, desk_id=DESK, since=None) == 1


def test_a_reopened_item_takes_its_record_back_and_another_outcome_replaces_it(store_engine):
    item = put_item(store_engine, put_task(store_engine))
    settle(store_engine, item, {"side": "a"})
    come_to(store_engine, item, None)
    (row,) = read_rows(store_engine)
    assert (row.rejection, row.settled, row.pairs) == ("reopened", None, 0)
    with read(store_engine) as session:
        assert count_new_choices(session, desk_id=DESK, since=None) == 0
    come_to(store_engine, item, {"side": "both_bad"})
    assert [row.rejection for row in read_rows(store_engine)] == ["none"]
    come_to(store_engine, item, {"side": "b"})
    assert [(row.rejection, row.settled) for row in read_rows(store_engine)] == [(None, "pick")]


def test_each_kind_has_its_form_and_a_check_has_none(store_engine):
    reply = {"reply": "Yes, within 30 days."}
    shown = {
        "rate": reply,
        "rewrite": reply,
        "pick": {"replies": ["Yes.", "No, never."]},
        "check": {"claim": {}},
    }
    values = {
        "rate": {"score": 5},
        "rewrite": {"unchanged": False},
        "pick": {"picked": [1]},
        "check": {"verdict": "good"},
    }
    for kind, value in values.items():
        item = put_item(store_engine, put_task(store_engine, kind), shown=shown[kind])
        text = "Yes, within 30 days, and we pay for the parcel." if kind == "rewrite" else None
        settle(store_engine, item, value, text=text)
    found = {(row.given, row.kind, row.settled) for row in read_rows(store_engine)}
    assert found == {("rate", "thumb", None), ("rewrite", "pair", "edit"), ("pick", "choice", "pick")}


def test_rederive_renews_records_that_are_missing_or_of_older_rules(store_engine):
    items = [put_item(store_engine, put_task(store_engine), position=n) for n in (1, 2, 3)]
    for item in items:
        settle(store_engine, item, {"side": "a"})
    come_to(store_engine, items[2], None)
    before = sorted(row.model_dump_json(exclude={"id"}) for row in read_rows(store_engine))
    with unit_of_work(store_engine) as session:
        assert count_stale(session) == 0
        rows = {row.origin_id: row for row in session.exec(select(Record))}
        session.delete(rows[items[0]])
        for item in items[1:]:
            rows[item].rules_version, rows[item].settled = 0, "own"
        session.flush()
        assert count_stale(session) == 3
    renew_all(store_engine, limit=2)
    assert sorted(row.model_dump_json(exclude={"id"}) for row in read_rows(store_engine)) == before
    with read(store_engine) as session:
        assert count_stale(session) == 0


def test_tags_that_people_agree_on_are_tags_of_the_conversation(store_engine):
    with unit_of_work(store_engine) as session:
        talk = add_conversation(session, tags=["orders"])
    about = {"conversation": talk.id, "conversation_id": talk.id}
    tag = put_item(store_engine, put_task(store_engine, "tag", **TAGGED), **about)
    compare = put_item(store_engine, put_task(store_engine), **about)
    settle(store_engine, compare, {"side": "a"})
    settle(store_engine, tag, {"tags": ["billing/refund", "orders"]})
    assert read_tags(store_engine, Conversation, talk.id) == ["orders", "billing/refund"]
    assert [row.tags for row in read_rows(store_engine)] == [["orders", "billing/refund"]]
    with read(store_engine) as session:
        found = select(Conversation.id).where(*match_tag(session, DESK, "billing/refund", Conversation.tags))
        assert session.exec(found).all() == [talk.id]
    come_to(store_engine, tag, {"tags": []})
    assert read_tags(store_engine, Conversation, talk.id) == ["orders"]  # the app's own stays
    come_to(store_engine, tag, {"tags": ["billing/refund"]})
    come_to(store_engine, tag, None)
    assert read_tags(store_engine, Conversation, talk.id) == ["orders"]
    assert [row.tags for row in read_rows(store_engine)] == [["orders"]]


def test_a_tag_stays_while_another_task_says_it_and_goes_with_the_last(store_engine):
    with unit_of_work(store_engine) as session:
        talk = add_conversation(session)
    about = {"conversation": talk.id, "conversation_id": talk.id}
    items = [put_item(store_engine, put_task(store_engine, "tag", **TAGGED), **about) for _ in range(2)]
    for item in items:
        settle(store_engine, item, {"tags": ["orders"]})
    come_to(store_engine, items[0], None)
    assert read_tags(store_engine, Conversation, talk.id) == ["orders"]
    come_to(store_engine, items[1], None)
    assert read_tags(store_engine, Conversation, talk.id) == []


def test_an_imported_record_is_tagged_itself(store_engine):
    with unit_of_work(store_engine) as session:
        add_records(session, rows=[make_record("star", "one", tags=["mail"])])
        row_id = session.exec(select(Record.id)).one()
    about = {"conversation": "star-1", "subject": ("record", row_id)}
    tag = put_item(store_engine, put_task(store_engine, "tag", **TAGGED), **about)
    rate = put_item(store_engine, put_task(store_engine, "rate"), shown={"reply": "A bot."}, **about)
    settle(store_engine, rate, {"score": 5})
    settle(store_engine, tag, {"tags": ["orders"]})
    assert read_tags(store_engine, Record, row_id) == ["mail", "orders"]
    assert [row.tags for row in read_rows(store_engine)] == [["mail", "orders"]]
    come_to(store_engine, tag, None)
    assert read_tags(store_engine, Record, row_id) == ["mail"]


def test_of_what_is_gone_nothing_is_tagged(store_engine):
    with unit_of_work(store_engine) as session:
        talk = add_conversation(session, erased_at=START)
    task = put_task(store_engine, "tag", **TAGGED)
    gone = put_item(store_engine, task, shown={}, conversation_id=talk.id)
    missing = put_item(
        store_engine, task, shown={}, position=2, subject=("conversation", "n"), conversation_id="n"
    )
    for item in (gone, missing):
        settle(store_engine, item, {"tags": ["orders"]})
    assert read_tags(store_engine, Conversation, talk.id) == []
    with read(store_engine) as session:
        assert [row.hidden for row in session.exec(select(Item))] == [{}, {}]


def test_the_label_that_settles_an_item_writes_its_record_and_its_undo_takes_it_back(desk):
    task, (item,) = add_task(desk.engine, items=1)
    for who in ("ann", "ben"):
        assert read_rows(desk.engine) == []
        told = say(desk, take(desk, task, who), who, {"side": "a"})
    (row,) = read_rows(desk.engine)
    assert (row.origin_id, row.settled, row.rejection) == (item.id, "pick", None)
    assert desk.post(f"/v1/labels/{told['label_id']}/undo", "ben").status_code == 201
    assert [row.rejection for row in read_rows(desk.engine)] == ["reopened"]
    say(desk, take(desk, task, "ben"), "ben", {"side": "a"})
    assert [(row.rejection, row.settled) for row in read_rows(desk.engine)] == [(None, "pick")]
