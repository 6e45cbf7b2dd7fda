"""Records that an app pushes come in as those of a file do: counted, once, and under their source's name."""

from uuid import uuid4

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.sources import hold_source
from feedback.store.tables import Conversation, Import, Record, Source
from tests.feedback.formats.files import choice

PATH = "/v1/sources/shop.orders/records"
TALK = {"messages": [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "Here."}]}


def bare(number, **fields):
    return {name: value for name, value in choice(number, **fields).items() if name != "source"}


def test_records_are_counted_and_examples_say_which_was_refused(desk):
    sent = [bare(1), bare(2), bare(1), bare(3, picked=[9]), ["no object"]]
    answer = desk.post(PATH, records=sent)
    assert answer.status_code == 201, answer.text
    (row,) = desk.rows(Import)
    assert answer.json == {
        "import_id": row.id,
        "format": "our own choices",
        "accepted": 2,
        "duplicates": 1,
        "refused": {"picked_out_of_range": 1, "not_an_object": 1},
        "examples": [
            {"record": 4, "reason": "picked_out_of_range"},
            {"record": 5, "reason": "not_an_object"},
        ],
    }
    assert {(record.source, record.import_id) for record in desk.rows(Record)} == {("shop.orders", row.id)}
    assert (row.file, row.source, row.state) == ("push", "shop.orders", "done")
    assert desk.row(Source, name="shop.orders").kind == "user"


def test_an_event_that_is_repeated_gets_its_first_answer_and_adds_nothing(desk):
    event = str(uuid4())
    first = desk.post(PATH, records=[bare(1)], event_id=event)
    assert desk.post(PATH, records=[bare(1)], event_id=event).json == first.json
    assert first.json["accepted"] == 1 and len(desk.rows(Import)) == 1
    other = desk.post(PATH, records=[bare(2)], event_id=event)
    assert (other.status_code, other.json["error"]["code"]) == (409, "event_conflict")
    again = desk.post(PATH, "admin", records=[bare(1)])
    assert (again.json["accepted"], again.json["duplicates"]) == (0, 1)


def test_any_form_that_a_file_may_have_can_be_pushed(sqlite_desk):
    answer = sqlite_desk.post(PATH, records=[TALK])
    assert (answer.json["format"], answer.json["accepted"]) == ("OpenAI chat", 1)
    assert [row.source for row in sqlite_desk.rows(Conversation)] == ["shop.orders"]


@pytest.mark.parametrize(("state", "code"), [("paused", "source_paused"), ("withdrawn", "source_withdrawn")])
def test_a_source_that_takes_nothing_refuses_a_push_until_it_is_active(sqlite_desk, state, code):
    event = str(uuid4())
    sqlite_desk.post(PATH, records=[bare(1)])
    set_state(sqlite_desk, state)
    answer = sqlite_desk.post(PATH, records=[bare(2)], event_id=event)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, code)
    assert len(sqlite_desk.rows(Record)) == len(sqlite_desk.rows(Import)) == 1
    set_state(sqlite_desk, "active")
    assert sqlite_desk.post(PATH, records=[bare(2)], event_id=event).json["accepted"] == 1


def set_state(desk, state):
    with unit_of_work(desk.engine) as session:
        hold_source(session, desk_id="default", name="shop.orders").state = state


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (PATH, {"records": [{"colour": "red"}]}, 422, "records_unrecognised"),
        (PATH, {"records": []}, 422, "body_invalid"),
        (PATH, {"records": [{}] * 501}, 422, "body_invalid"),
        (PATH, {"records": [{"text": "\0"}]}, 422, "text_not_storable"),
        ("/v1/sources/live/records", {"records": [TALK]}, 422, "source_reserved"),
        ("/v1/sources/a%01b/records", {"records": [TALK]}, 404, "source_not_found"),
    ],
)
def test_what_cannot_come_in_is_refused_with_a_code_and_leaves_nothing(sqlite_desk, path, body, status, code):
    answer = sqlite_desk.post(path, **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    assert sqlite_desk.rows(Import) == []


def test_a_push_that_is_not_recognised_names_its_fields_and_no_file_of_the_service(sqlite_desk, tmp_path):
    for sent, found in (({"colour": "red"}, "they have the fields colour"), (7, "line 1 is not_an_object")):
        message = sqlite_desk.post(PATH, records=[sent]).json["error"]["message"]
        assert found in message and str(tmp_path) not in message and "--" not in message, message


def test_a_source_is_called_as_people_call_it(sqlite_desk):
    assert sqlite_desk.post("/v1/sources/客服/三月 工单/records", records=[TALK]).json["accepted"] == 1
    assert [row.source for row in sqlite_desk.rows(Conversation)] == ["客服/三月 工单"]


def test_people_push_nothing(sqlite_desk):
    for role in ("agent", "expert"):
        assert sqlite_desk.post(PATH, role, records=[TALK]).status_code == 403
