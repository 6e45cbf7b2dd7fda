"""Whatever is sent to whichever call, the answer is typed and no 5xx. One store for all examples: they
pile up, as in life.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedback.api.openapi import list_routes

SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
FIELDS = (
    "event_id", "messages", "role", "text", "kind", "candidate_id", "candidate_ids", "value", "comment",
    "reasons", "occurred_at", "dwell_ms", "agent", "language", "tags", "knowledge", "customer_id", "recipe",
)  # fmt: skip
WORDS = ("customer", "agent", "pick", "edit", "own", "tie", "none", "skip", "2026-11-22T09:00:00Z", "en",
         "00000000-0000-4000-8000-000000000000", "unknown")  # fmt: skip

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=40), st.sampled_from(WORDS)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=4),
    ),
    max_leaves=12,
)
fields = st.dictionaries(st.sampled_from(FIELDS), values, max_size=7)
objects = fields | st.builds(lambda body, id: body | {"event_id": str(id)}, fields, st.uuids())


@pytest.fixture
def send(sqlite_desk):
    """Sends to a route by its number; ids in the path are real ones where there are any."""
    opened, shown = sqlite_desk.open_ready()
    real = {
        "<conversation_id>": opened["conversation_id"],
        "<turn_id>": opened["turn_id"],
        "<set_id>": shown["set_id"],
        "<message_id>": sqlite_desk.messages(opened)[0]["message_id"],
    }
    routes = list_routes(sqlite_desk.app)

    def go(number, role, query="", **request):
        route = routes[number % len(routes)]
        path = route.path
        for name, id in real.items():
            path = path.replace(name, id)
        headers = {"Authorization": f"Bearer {sqlite_desk.tokens[role]}"}
        answer = sqlite_desk.app.test_client().open(
            path + query, method=route.method, headers=headers, **request
        )
        assert answer.status_code < 500 or answer.json["error"]["code"].startswith(("store_", "engine_")), (
            answer.text
        )
        if answer.status_code >= 400:
            assert set(answer.json["error"]) == {"code", "message", "hint"}

    return go


@SETTINGS
@given(number=st.integers(0, 100), role=st.sampled_from(["app", "agent", "admin"]), body=objects)
def test_any_object_gets_a_typed_answer(send, number, role, body):
    send(number, role, data=json.dumps(body), content_type="application/json")


@SETTINGS
@given(number=st.integers(0, 100), body=st.binary(max_size=200))
def test_any_bytes_get_a_typed_answer(send, number, body):
    send(number, "admin", data=body, content_type="application/json")


@SETTINGS
@given(
    number=st.integers(0, 100),
    query=st.dictionaries(
        st.sampled_from(["after", "wait", "pending", "agent", "limit", "format"]),
        st.text(max_size=20),
        max_size=3,
    ),
)
def test_any_parameters_get_a_typed_answer(send, number, query):
    if "wait" in query:
        query["wait"] = "-" + query["wait"]  # refused, else the test would wait
    send(number, "admin", query_string=query)
