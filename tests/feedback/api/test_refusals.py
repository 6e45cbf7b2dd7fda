"""Bad input is refused politely: typed, never a 5xx, and nothing is written."""

import io
import json

import pytest

from feedback.app import create_app
from feedback.settings import FeedbackSettings
from feedback.store import engine as store_session
from feedback.store.tables import Conversation
from tests.feedback.desk import KEY, Desk, make_desk

EVENT = "00000000-0000-4000-8000-000000000000"


def send(desk, data, path="/v1/conversations", content_type="application/json", method="POST"):
    headers = {"Authorization": f"Bearer {desk.tokens['app']}"}
    return desk.app.test_client().open(
        path, method=method, data=data, headers=headers, content_type=content_type
    )


def said(text):
    return json.dumps({"event_id": EVENT, "messages": [{"role": "customer", "text": text}]}).encode()


CASES = {
    "empty": (b"", 400, "body_unreadable"),
    "no JSON": (b"{", 400, "body_unreadable"),
    "invalid UTF-8": (b'{"event_id": "\xff"}', 400, "body_unreadable"),
    "UTF-16": ('{"event_id": "x"}'.encode("utf-16"), 400, "body_unreadable"),
    "too deep": (b"[" * 100_000, 400, "body_unreadable"),
    "deep and closed": (b"[" * 50_000 + b"]" * 50_000, 400, "body_unreadable"),
    "NaN": (b'{"event_id": NaN}', 400, "body_unreadable"),
    "endless number": (b'{"a": ' + b"9" * 5_000 + b"}", 400, "body_unreadable"),
    "a list": (b"[]", 422, "body_invalid"),
    "a word": (b'"event_id"', 422, "body_invalid"),
    "nothing in it": (b"{}", 422, "body_invalid"),
    "NUL": (said("a\x00b"), 422, "text_not_storable"),
    "lone surrogate": (said("\ud800"), 422, "text_not_storable"),
    "surrogate in a key": (b'{"\\udfff": 1}', 422, "text_not_storable"),
    "blank text": (said(" \n\t"), 422, "body_invalid"),
    "text too long": (said("x" * 1_000_001), 422, "body_invalid"),
    "huge number": (b'{"event_id": 1e400}', 422, "body_invalid"),
    "too many messages": (
        json.dumps({"event_id": EVENT, "messages": [{"role": "customer", "text": "x"}] * 20_001}).encode(),
        422,
        "body_invalid",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_unfit_body_is_refused(desk, name):
    data, status, code = CASES[name]
    answer = send(desk, data)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    assert set(answer.json["error"]) == {"code", "message", "hint"} and answer.json["error"]["message"]
    assert desk.rows(Conversation) == []


def test_ten_megabytes_are_too_large(desk):
    answer = send(desk, b'{"x": "' + b"x" * 10_000_000 + b'"}')
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "body_too_large")


def test_ten_megabytes_in_chunks_are_too_large(sqlite_desk):
    answer = sqlite_desk.app.test_client().post(
        "/v1/conversations",
        input_stream=io.BytesIO(b"x" * 10_000_000),
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Authorization": f"Bearer {sqlite_desk.tokens['app']}", "Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "text", ["😀", "\u202egnirts", "客户服务", "a\u0301", "'; DROP TABLE message; --", "\x7f\x01", "%s{}"]
)
def test_odd_but_honest_text_is_kept_as_it_is(desk, text):
    answer = send(desk, said(text))
    assert answer.status_code == 201
    assert desk.messages(answer.json)[0]["text"] == text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_read(sqlite_desk, content_type):
    answer = send(sqlite_desk, said("x"), content_type=content_type)
    assert (answer.status_code, answer.json["error"]["code"]) == (415, "content_type_wrong")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "GET"])
def test_a_wrong_method_is_told_what_would_be_right(sqlite_desk, method):
    answer = send(sqlite_desk, b"", method=method)
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "id", ["unknown", "%00", "..%2f..%2fetc", "%ff%fe", "a" * 500, "😀", "' OR 1=1 --", "%ED%A0%80"]
)
def test_an_odd_id_names_nothing(desk, id):
    for path in (f"/v1/turns/{id}/suggestions", f"/v1/conversations/{id}/messages"):
        answer = send(desk, None, path, method="GET")
        assert answer.status_code == 404, answer.text
        assert answer.json["error"]["code"].endswith("not_found")


@pytest.mark.parametrize(
    "query",
    ["wait=x", "wait=-1", "wait=nan", "wait=inf", "wait=1&wait=2", "waite=1", "after=%00", "pending=maybe"],
)
def test_odd_parameters_are_refused(desk, query):
    opened = desk.open()
    answer = send(desk, None, f"/v1/conversations/{opened['conversation_id']}/messages?{query}", method="GET")
    assert answer.status_code == 422, answer.text
    assert answer.json["error"]["code"] in ("query_invalid", "text_not_storable")


def test_an_unexpected_error_is_a_typed_500_without_its_text(sqlite_desk, caplog):
    def fail():
        raise ZeroDivisionError("secret detail")

    sqlite_desk.app.add_url_rule("/v1/fail", view_func=fail)
    answer = send(sqlite_desk, None, "/v1/fail", method="GET")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text and "secret detail" in caplog.text


def test_a_failure_after_the_commit_does_not_deny_what_is_stored(sqlite_engine, tmp_path, caplog):
    class Broken:
        def notice_turn(self):
            raise ZeroDivisionError

    desk = make_desk(sqlite_engine, tmp_path, suggester=Broken())
    assert send(desk, said("x")).status_code == 201
    assert "after the commit" in caplog.text and len(desk.rows(Conversation)) == 1


def test_a_locked_store_answers_503_with_retry_after(sqlite_engine, tmp_path, monkeypatch):
    desk = make_desk(sqlite_engine, tmp_path)
    monkeypatch.setattr(store_session, "PRAGMAS", ("busy_timeout=50",))
    impatient = store_session.open_engine(str(sqlite_engine.url))
    settings = FeedbackSettings(data_dir=tmp_path, secret_key=KEY)
    app = create_app(settings, store_engine=impatient, clock=desk.clock)
    other = Desk(app, impatient, desk.clock, desk.tokens)
    with store_session.unit_of_work(sqlite_engine):
        answer = send(other, said("x"))
    assert (answer.status_code, answer.json["error"]["code"], answer.headers["Retry-After"]) == (
        503,
        "store_busy",
        "1",
    )
    assert send(other, said("x")).status_code == 201
    impatient.dispose()
