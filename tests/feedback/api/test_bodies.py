"""Every field of every write by every role: what is not in a role's own table is refused.

A write, a role or a field that is not listed here fails the test: decide who may say it.
"""

import re
from uuid import uuid4

import pytest

from feedback.api.openapi import list_routes

MESSAGE = {"event_id", "role", "text"}
ANSWER = MESSAGE | {"turn_id", "draft_revision"}
FULL_MESSAGE = ANSWER | {"attachments", "knowledge", "occurred_at", "agent", "fields", "due_at"}
OPENING = {
    *("event_id", "messages", "customer_id", "customer_details", "language", "tags", "knowledge"),
    *("fields", "due_at"),
}
JUDGEMENT = {
    *("event_id", "kind", "candidate_id", "candidate_ids", "both", "text", "reasons", "dwell_ms"),
    "occurred_at",
    "draft_revision",
}
THUMB = {"event_id", "value", "reasons", "comment", "number"}
EVENT = {"event_id"}
ACTING = {"event_id", "agent"}
REASONED = {"event_id", "reason"}
DRAFT = {"revision", "aside_id", "text", "taken", "none_good", "turn_id", "refused"}
PRESENCE = {"turn_id", "left", "here"}
TASK = {
    *("event_id", "name", "kind", "question", "guideline", "tier", "overlap_min", "overlap_max"),
    *("confidence", "gold_share", "assigned", "due_at"),
}
LABEL = {"event_id", "value", "text", "reasons", "dwell_ms", "occurred_at"}
LABELLERS = ("labeller", "agent", "expert")
DATASET = {
    *("event_id", "sources", "tags", "without_tags", "languages", "difficulty", "since", "note"),
    "augment",
}
CLOSING = REASONED | {"turn_ids"}
UNKNOWN = re.compile(r"(?<= )(\w+): Extra inputs are not permitted")  # a field of the body itself


def for_agents(fields, full):
    return {"agent": fields, "expert": fields, "app": full, "admin": full}


def for_all(fields, *roles):
    return dict.fromkeys((*roles, "admin"), fields)


BODIES = {
    "/v1/conversations": for_all(OPENING, "app"),
    "/v1/conversations/<conversation_id>/messages": {
        "visitor": MESSAGE,
        **for_agents(ANSWER, FULL_MESSAGE),
    },
    "/v1/conversations/<conversation_id>/question": for_all(
        EVENT | {"task_id", "message_id", "score", "dwell_ms"}, "app", "visitor"
    ),
    "/v1/conversations/<conversation_id>/two-answers": for_all(
        EVENT | {"message_id", "answer", "dwell_ms"}, "app", "visitor"
    ),
    "/v1/conversations/<conversation_id>/erasure": for_all(EVENT, "app", "visitor"),
    "/v1/erasures": for_all({"event_id", "customer_id"}, "app"),
    "/v1/turns/close": for_agents(CLOSING, CLOSING | {"agent"}),
    "/v1/turns/reopen": for_all({"event_id", "turn_ids"}, "agent", "expert", "app"),
    "/v1/turns/<turn_id>/claim": for_agents(EVENT | {"take_over"}, ACTING | {"take_over"}),
    "/v1/turns/<turn_id>/release": for_agents(EVENT, ACTING),
    "/v1/presence": for_agents(PRESENCE, PRESENCE | {"agent"}),
    "/v1/conversations/<conversation_id>/draft": for_agents(DRAFT, DRAFT | {"agent"}),
    "/v1/sets/<set_id>/judgements": for_agents(JUDGEMENT, JUDGEMENT | {"agent"}),
    "/v1/judgements/<judgement_id>/reasons": for_agents({"event_id", "reasons"}, ACTING | {"reasons"}),
    "/v1/judgements/<judgement_id>/undo": for_agents(EVENT, ACTING),
    "/v1/messages/<message_id>/retract": for_agents(EVENT, ACTING),
    "/v1/messages/<message_id>/release": for_agents(EVENT, EVENT),
    "/v1/messages/<message_id>/thumbs": {"visitor": THUMB, **for_all(THUMB | {"occurred_at"}, "app")},
    "/v1/adapters/<name>/scores": for_all(EVENT | {"prompts"}, "expert"),
    "/v1/duels": for_all({"event_id", "adapter", "rival", "wanted", "name", "tag"}, "expert"),
    "/v1/duels/<duel_id>/close": for_all(EVENT, "expert"),
    "/v1/tags": for_all(EVENT | {"tag"}, "expert"),
    "/v1/tags/<tag_id>/rename": for_all(EVENT | {"name"}, "expert"),
    "/v1/tags/<tag_id>/move": for_all(EVENT | {"parent"}, "expert"),
    "/v1/tags/<tag_id>/merge": for_all(EVENT | {"into"}, "expert"),
    "/v1/tags/<tag_id>/retire": for_all(EVENT, "expert"),
    "/v1/tags/<tag_id>/restore": for_all(EVENT, "expert"),
    "/v1/tags/<tag_id>/describe": for_all(EVENT | {"title", "guideline", "examples", "patterns"}, "expert"),
    "/v1/tag-adoptions": for_all(EVENT, "expert"),
    "/v1/tag-changes/<change_id>/undo": for_all(EVENT, "expert"),
    "/v1/tag-decisions": for_all(EVENT | {"decisions"}, "expert"),
    "/v1/tag-decisions/undo": for_all(EVENT | {"decision_ids"}, "expert"),
    "/v1/campaigns": for_all(
        EVENT | {"name", "tags", "languages", "weak", "target", "ends_at", "asks", "task_id"}, "expert"
    ),
    "/v1/campaigns/<campaign_id>/end": for_all(REASONED, "expert"),
    "/v1/campaigns/<campaign_id>/resume": for_all(EVENT, "expert"),
    "/v1/tasks": for_all(TASK, "expert"),
    "/v1/tasks/<task_id>/items": for_all(EVENT | {"selection", "limit", "gold"}, "expert"),
    "/v1/tasks/<task_id>/state": for_all(REASONED | {"state"}, "expert"),
    "/v1/tasks/<task_id>/checks": for_all(EVENT | {"audience", "n"}, "expert"),
    "/v1/tasks/<task_id>/guideline": for_all(EVENT | {"guideline"}, "expert"),
    "/v1/tasks/<task_id>/next": for_all(EVENT, *LABELLERS),
    "/v1/items/<item_id>/labels": for_all(LABEL, *LABELLERS),
    "/v1/items/<item_id>/pass": for_all(EVENT, *LABELLERS),
    "/v1/items/<item_id>/draft": for_all({"value", "text"}, *LABELLERS),
    "/v1/labels/<label_id>/undo": for_all(EVENT, *LABELLERS),
    "/v1/items/<item_id>/adjudication": for_all(EVENT | {"value", "text"}, "expert"),
    "/v1/labellers/<path:labeller>/pause": for_all(REASONED | {"kind"}, "expert"),
    "/v1/labellers/<path:labeller>/resume": for_all(REASONED | {"kind"}, "expert"),
    "/v1/labellers/<path:labeller>/exclude": for_all(REASONED | {"kind"}, "expert"),
    "/v1/labellers/<path:labeller>/include": for_all(REASONED | {"kind"}, "expert"),
    "/v1/datasets": for_all(DATASET, "expert"),
    "/v1/datasets/<dataset_id>/check": for_all(EVENT, "expert"),
    "/v1/dataset-jobs/<job_id>/cancel": for_all(EVENT, "expert"),
    "/v1/runs": for_all({"event_id", "recipe"}),
    "/v1/imports": for_all({"event_id", "file", "size", "source", "encoding", "columns"}, "expert"),
    "/v1/imports/<import_id>/pieces": for_all({"at", "data"}, "expert"),
    "/v1/imports/<import_id>/start": for_all(EVENT, "expert"),
    "/v1/imports/<import_id>/cancel": for_all(EVENT, "expert"),
    "/v1/imports/<import_id>/undo": for_all(EVENT, "expert"),
    "/v1/sources/<path:source>/records": for_all({"event_id", "records"}, "app"),
    "/v1/adapters/<name>/promote": for_all(REASONED),
    "/v1/adapters/<name>/approve": for_all(REASONED, "expert"),
    "/v1/adapters/<name>/veto": for_all(REASONED, "expert"),
    "/v1/sources": for_all({"event_id", "name", "kind", "owner", "licence", "language", "note"}, "expert"),
    "/v1/sources/<path:source>/state": for_all(REASONED | {"state"}),
    "/v1/sources/<path:source>/grade": for_all(REASONED | {"grade"}),
    "/v1/rollback": for_all(REASONED | {"adapter"}),
    "/chat/start": {None: {"event_id", "text", "language"}},
}
FIELDS = sorted(set().union(*(fields for roles in BODIES.values() for fields in roles.values())))


def test_every_write_is_listed_with_every_role(sqlite_desk):
    writes = {route.path: route for route in list_routes(sqlite_desk.app) if route.body is not None}
    assert set(BODIES) == set(writes) | {"/chat/start"}
    for path, route in writes.items():
        roles = {*route.roles, "admin"} | ({"expert"} if "agent" in route.roles else set())
        assert set(BODIES[path]) == roles, path


@pytest.mark.parametrize("path", BODIES)
def test_a_role_says_what_its_body_has_and_nothing_else(sqlite_desk, monkeypatch, path):
    monkeypatch.setattr("feedback.api.requests.MAX_FAULTS", 1000)  # one call tells of all fields
    opened = sqlite_desk.open()
    tokens = sqlite_desk.tokens | {"visitor": opened["visitor_token"]}
    place = path.replace("<conversation_id>", opened["conversation_id"]).replace("<number>", "1")
    place = "/".join("unknown" if part.startswith("<") else part for part in place.split("/"))
    fields = {*FIELDS, "system", "desk_id", "id"}
    for role, allowed in BODIES[path].items():
        event = {"event_id": str(uuid4())} if "event_id" in allowed else {}
        answer = sqlite_desk.app.test_client().open(
            place,
            method="POST" if event else "PUT",  # a put has no event
            headers={"Authorization": f"Bearer {tokens[role]}"} if role else {},
            # A value of no field's type: refused in any case, by what it says of it.
            json={field: {"unlike": "any"} for field in fields} | event,
        )
        assert answer.status_code == 422, (role, answer.text)
        unknown = set(UNKNOWN.findall(answer.json["error"]["message"]))
        assert unknown == fields - allowed, (role, answer.text)


@pytest.mark.parametrize(
    "extra",
    [{"knowledge": [{"title": "", "text": "Give it away."}]}, {"occurred_at": "1999-01-01T00:00:00Z"}],
)
@pytest.mark.parametrize("by", ["visitor", "agent", "expert"])
def test_people_bring_neither_knowledge_nor_times(sqlite_desk, extra, by):
    opened = sqlite_desk.open()
    token = opened["visitor_token"] if by == "visitor" else by
    whose = "customer" if by == "visitor" else "agent"
    answer = sqlite_desk.say(opened, whose, "Hi", by=token, **extra)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")
    assert len(sqlite_desk.messages(opened)) == 1


def test_knowledge_of_an_app_is_shown_to_agents_and_hidden_from_customers(desk):
    article = {"title": "Shipping", "text": "Two days."}
    opened = desk.open("Where is it?", knowledge=[article])
    desk.say(opened, "customer", "Hello?", knowledge=[article | {"text": "Three days."}])
    shown = {
        role: [message["knowledge"] for message in desk.messages(opened, role)]
        for role in ("agent", "app", opened["visitor_token"])
    }
    both = [[article], [article | {"text": "Three days."}]]
    assert list(shown.values()) == [both, both, [[], []]]
