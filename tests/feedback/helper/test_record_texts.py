"""What is written of a record: its last message or its preferred reply, and by what erasure finds them."""

import pytest

from feedback.errors import NotFound
from feedback.helper.record_texts import choose_writing, find_call_subject, read_record_texts
from feedback.helper.write import PARAPHRASE, QUESTION
from feedback.labelling.derive import derive_item_record
from feedback.lineage.graph import Ref
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Item, Record
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.desk import make_desk, put_set
from tests.feedback.labelling.settled import ASKED, YES, put_item, put_label, put_task

PROMPT = [{"role": "user", "content": "May I send it back?"}]
OTHERS = [{"text": "Yes, for a month."}, {"text": "No, it stays sold to you."}]


def put_records(engine):
    told = {"desk_id": DESK, "source": "star", "conversation": "s", "created_at": START}
    bodies = {
        "choice": {"candidates": OTHERS, "picked": [1]},
        "pair": {
            side: [{"role": "assistant", "content": reply["text"]}]
            for side, reply in zip(("chosen", "rejected"), OTHERS, strict=True)
        },
    }
    with unit_of_work(engine) as session:
        for id, (kind, body) in enumerate(bodies.items(), start=7):
            session.add(Record(id=id, kind=kind, identity="a/1", body={"prompt": PROMPT} | body, **told))
        session.add(Record(id=9, kind="choice", identity="gone", body={}, erased_at=START, **told))


def put_outcome(engine):
    """A settled comparison; returns its item."""
    item_id = put_item(engine, put_task(engine), state="settled", outcome={"side": "a"}, settled_at=START)
    put_label(engine, item_id, {"side": "a"})
    with unit_of_work(engine) as session:
        derive_item_record(session, item=session.get_one(Item, item_id))
    return item_id


def test_each_kind_of_record_tells_its_texts_and_by_what_they_are_erased(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path)
    opened = desk.open("Ann Lee here. Where is it?", customer_details=["Ann Lee"])
    texts = [f"It is on its way, {number} days more." for number in range(4)]
    put_set(sqlite_engine, opened["turn_id"], texts=texts, messages=PROMPT)
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    judged = desk.judge(shown, "pick", candidate_id=shown["candidates"][2]["candidate_id"])
    picked = shown["candidates"][2]["text"]
    put_records(sqlite_engine)
    item_id = put_outcome(sqlite_engine)
    refs = {
        f"choice:{judged.json['judgement_id']}": ("conversation", opened["conversation_id"], picked),
        "choice:star/a/1": ("record", "7", OTHERS[1]["text"]),
        "pair:star/a/1": ("record", "8", OTHERS[0]["text"]),
        f"choice:label/{item_id}": ("item", item_id, YES),
    }
    with read(sqlite_engine) as session:
        for ref, (kind, id, reply) in refs.items():
            told = read_record_texts(session, desk_id=DESK, ref=Ref(*ref.split(":")))
            assert (told.subject, told.reply) == ((kind, id, ref), reply)
            asked = ASKED if kind == "item" else PROMPT[0]["content"]
            assert told.messages == [{"role": "user", "content": asked}]
            assert list(told.known) == (["Ann Lee"] if kind == "conversation" else [])
            paraphrase, question = (choose_writing(each, told) for each in (PARAPHRASE, QUESTION))
            assert (paraphrase.text, paraphrase.messages) == (asked, [])
            assert (question.text, question.messages) == (reply, told.messages)


def test_what_is_no_record_or_is_erased_has_no_texts(sqlite_engine):
    put_records(sqlite_engine)
    with read(sqlite_engine) as session:
        for ref in (("choice", "star/gone"), ("choice", "star/a/2"), ("choice", "duel/x"), ("turn", "y")):
            with pytest.raises(NotFound):
                read_record_texts(session, desk_id=DESK, ref=Ref(*ref))
        assert find_call_subject(session, desk_id="other", ref=Ref("choice", "star/a/1")) is None
