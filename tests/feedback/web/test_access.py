"""Every route of the application by every role. A route that is not listed here fails the test: decide who
may use it.

Only whether the role lets a caller in is looked at, with ids that name nothing: 401 for nobody, 403 for a
role that may not, anything else for one that may.
"""

import re

import pytest

from feedback.store import users
from feedback.store.desks import ensure_desk
from feedback.store.engine import unit_of_work

ROLES = ("visitor", "app", "labeller", "agent", "expert", "admin")
PUBLIC = "public"
APP = {"app", "admin"}
AGENTS = {"agent", "expert", "admin"}
DESK = {"app", "agent", "expert", "admin"}
EXPERTS = {"expert", "admin"}
ADMINS = {"admin"}
LABELLERS = {"labeller", "agent", "expert", "admin"}
CUSTOMERS = {"visitor", "app", "admin"}

ACCESS = {
    "POST /v1/conversations": APP,
    "GET /v1/conversations/<conversation_id>": DESK,
    "POST /v1/conversations/<conversation_id>/messages": {"visitor", *DESK},
    "GET /v1/conversations/<conversation_id>/messages": {"visitor", *DESK},
    "GET /v1/conversations/<conversation_id>/question": CUSTOMERS,
    "POST /v1/conversations/<conversation_id>/question": CUSTOMERS,
    "POST /v1/conversations/<conversation_id>/two-answers": CUSTOMERS,
    "POST /v1/messages/<message_id>/release": DESK,
    "GET /v1/conversations/<conversation_id>/standing": CUSTOMERS,
    "GET /v1/queue": DESK,
    "GET /v1/day": DESK,
    "GET /v1/queue/kinds": DESK,
    "POST /v1/turns/close": DESK,
    "POST /v1/turns/reopen": DESK,
    "POST /v1/turns/<turn_id>/claim": DESK,
    "POST /v1/turns/<turn_id>/release": DESK,
    "PUT /v1/presence": DESK,
    "PUT /v1/conversations/<conversation_id>/draft": DESK,
    "GET /v1/drafts": DESK,
    "GET /v1/turns/<turn_id>/suggestions": DESK,
    "GET /v1/sets/<set_id>": EXPERTS,
    "POST /v1/sets/<set_id>/judgements": DESK,
    "POST /v1/judgements/<judgement_id>/reasons": DESK,
    "POST /v1/judgements/<judgement_id>/undo": DESK,
    "POST /v1/messages/<message_id>/retract": DESK,
    "GET /v1/thumbs": DESK,
    "POST /v1/messages/<message_id>/thumbs": CUSTOMERS,
    "POST /v1/conversations/<conversation_id>/erasure": CUSTOMERS,
    "POST /v1/erasures": APP,
    "POST /v1/duels": EXPERTS,
    "GET /v1/adapters/<name>/scores": EXPERTS,
    "POST /v1/adapters/<name>/scores": EXPERTS,
    "GET /v1/duels": EXPERTS,
    "GET /v1/duels/<duel_id>": EXPERTS,
    "POST /v1/duels/<duel_id>/close": EXPERTS,
    "POST /v1/imports": EXPERTS,
    "GET /v1/imports/<import_id>": EXPERTS,
    "PUT /v1/imports/<import_id>/pieces": EXPERTS,
    "POST /v1/imports/<import_id>/start": EXPERTS,
    "POST /v1/imports/<import_id>/cancel": EXPERTS,
    "POST /v1/imports/<import_id>/undo": EXPERTS,
    "POST /v1/sources/<path:source>/records": APP,
    "POST /v1/runs": ADMINS,
    "GET /v1/runs": EXPERTS,
    "GET /v1/runs/<run_id>": EXPERTS,
    "GET /v1/runs/<run_id>/report": EXPERTS,
    "GET /v1/runs/<run_id>/advice": EXPERTS,
    "GET /v1/advice": EXPERTS,
    "GET /v1/adapters": ADMINS,
    "GET /v1/adapters/<name>/support": EXPERTS,
    "POST /v1/adapters/<name>/promote": ADMINS,
    "POST /v1/adapters/<name>/approve": EXPERTS,
    "POST /v1/adapters/<name>/veto": EXPERTS,
    "POST /v1/rollback": ADMINS,
    "POST /v1/datasets": EXPERTS,
    "POST /v1/datasets/<dataset_id>/check": EXPERTS,
    "GET /v1/dataset-jobs/<job_id>": EXPERTS,
    "POST /v1/dataset-jobs/<job_id>/cancel": EXPERTS,
    "GET /v1/datasets/<a>/diff/<b>": EXPERTS,
    "GET /v1/datasets/<dataset_id>/card": EXPERTS,
    "GET /v1/datasets/<dataset_id>/reuse": EXPERTS,
    "GET /console/datasets/<dataset_id>/changes": EXPERTS,
    "GET /v1/datasets/<dataset_id>/export": EXPERTS,
    "GET /v1/sources": EXPERTS,
    "POST /v1/sources": EXPERTS,
    "POST /v1/sources/<path:source>/state": ADMINS,
    "POST /v1/sources/<path:source>/grade": ADMINS,
    "GET /v1/tags": EXPERTS,
    "POST /v1/tags": EXPERTS,
    "GET /v1/tags/<tag_id>/reach": EXPERTS,
    "POST /v1/tags/<tag_id>/rename": EXPERTS,
    "POST /v1/tags/<tag_id>/move": EXPERTS,
    "POST /v1/tags/<tag_id>/merge": EXPERTS,
    "POST /v1/tags/<tag_id>/retire": EXPERTS,
    "POST /v1/tags/<tag_id>/restore": EXPERTS,
    "POST /v1/tags/<tag_id>/describe": EXPERTS,
    "GET /v1/tag-adoptions": EXPERTS,
    "POST /v1/tag-adoptions": EXPERTS,
    "POST /v1/tag-changes/<change_id>/undo": EXPERTS,
    "GET /v1/tag-proposals": EXPERTS,
    "POST /v1/tag-decisions": EXPERTS,
    "POST /v1/tag-decisions/undo": EXPERTS,
    "GET /v1/campaigns": EXPERTS,
    "GET /v1/campaigns/<campaign_id>": EXPERTS,
    "POST /v1/campaigns": EXPERTS,
    "POST /v1/campaigns/<campaign_id>/end": EXPERTS,
    "POST /v1/campaigns/<campaign_id>/resume": EXPERTS,
    "POST /v1/tasks": EXPERTS,
    "GET /v1/tasks": LABELLERS,
    "GET /v1/tasks/<task_id>": LABELLERS,
    "POST /v1/tasks/<task_id>/items": EXPERTS,
    "POST /v1/tasks/<task_id>/state": EXPERTS,
    "POST /v1/tasks/<task_id>/checks": EXPERTS,
    "POST /v1/tasks/<task_id>/guideline": EXPERTS,
    "POST /v1/tasks/<task_id>/next": LABELLERS,
    "GET /v1/items/<item_id>": LABELLERS,
    "POST /v1/items/<item_id>/labels": LABELLERS,
    "POST /v1/items/<item_id>/pass": LABELLERS,
    "PUT /v1/items/<item_id>/draft": LABELLERS,
    "POST /v1/labels/<label_id>/undo": LABELLERS,
    "GET /v1/tasks/<task_id>/quality": EXPERTS,
    "POST /v1/items/<item_id>/adjudication": EXPERTS,
    "POST /v1/labellers/<path:labeller>/pause": EXPERTS,
    "POST /v1/labellers/<path:labeller>/resume": EXPERTS,
    "POST /v1/labellers/<path:labeller>/exclude": EXPERTS,
    "POST /v1/labellers/<path:labeller>/include": EXPERTS,
    "GET /v1/labels": {"app", "expert", "admin"},
    "GET /openapi.json": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    "GET /static/<path:filename>": PUBLIC,
    "GET /": PUBLIC,
    "GET /sign-in": PUBLIC,
    "POST /sign-in": PUBLIC,
    "GET /sign-in/<code>": PUBLIC,
    "POST /sign-in/<code>": PUBLIC,
    "POST /sign-out": PUBLIC,
    "GET /chat": PUBLIC,
    "GET /chat/<conversation_id>": PUBLIC,
    "POST /chat/start": PUBLIC,
    "GET /workbench": AGENTS,
    "GET /label": LABELLERS,
    "GET /label/<task_id>": LABELLERS,
    "GET /console": EXPERTS,
    "GET /console/adapters": EXPERTS,
    "GET /console/adapters/<name>": EXPERTS,
    "GET /console/conversations": EXPERTS,
    "GET /console/conversations/<conversation_id>": EXPERTS,
    "GET /console/conversations.csv": EXPERTS,
    "GET /console/conversations.jsonl": EXPERTS,
    "GET /console/datasets": EXPERTS,
    "GET /console/duplicates": EXPERTS,
    "GET /console/collection": EXPERTS,
    "GET /console/datasets/<dataset_id>": EXPERTS,
    "GET /console/dataset-jobs/<job_id>": EXPERTS,
    "GET /console/dataset-jobs/<job_id>/live": EXPERTS,
    "GET /console/dataset-jobs/<job_id>/check/live": EXPERTS,
    "GET /console/imports": EXPERTS,
    "GET /console/imports/<import_id>": EXPERTS,
    "GET /console/imports/<import_id>/live": EXPERTS,
    "GET /console/duels": EXPERTS,
    "GET /console/duels/<duel_id>": EXPERTS,
    "GET /console/duels/<duel_id>/live": EXPERTS,
    "GET /console/tags": EXPERTS,
    "GET /console/tags/<tag_id>": EXPERTS,
    "GET /console/tags/proposals": EXPERTS,
    "GET /console/campaigns": EXPERTS,
    "GET /console/campaigns/<campaign_id>": EXPERTS,
    "GET /console/tasks": EXPERTS,
    "GET /console/tasks/<task_id>": EXPERTS,
    "GET /console/tasks/<task_id>/disputes": EXPERTS,
    "GET /console/labellers": EXPERTS,
    "GET /console/helper": EXPERTS,
    "GET /console/funnel": EXPERTS,
    "GET /console/sources": EXPERTS,
    "GET /console/sources/<path:source>": EXPERTS,
    "GET /console/trends": EXPERTS,
    "GET /console/lineage": EXPERTS,
    "GET /console/lineage/<path:id>": EXPERTS,
    "GET /console/people": ADMINS,
    "POST /console/people": ADMINS,
    "POST /console/people/<user_id>/active": ADMINS,
    "POST /console/people/<user_id>/link": ADMINS,
    "POST /console/policy/<change_id>/reason": ADMINS,
    "GET /console/comments": EXPERTS,
    "GET /console/runs": EXPERTS,
    "GET /console/runs/<run_id>": EXPERTS,
    "GET /console/runs/<run_id>/live": EXPERTS,
    "GET /console/runs/<run_id>/report": EXPERTS,
    "POST /console/runs/<run_id>/cancel": ADMINS,
    "POST /console/sessions/<id_hash>/end": ADMINS,
    "POST /console/tokens/<token_id>/revoke": ADMINS,
}


def served(app):
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_listed(sqlite_desk):
    assert served(sqlite_desk.app) == set(ACCESS)


@pytest.fixture
def knock(sqlite_desk):
    """The status that a role gets at a route, with ids that name nothing."""
    opened = sqlite_desk.open()
    tokens = sqlite_desk.tokens | {"visitor": opened["visitor_token"]}

    def go(route, role):
        method, path = route.split(" ", 1)
        own = path.replace("<conversation_id>", opened["conversation_id"])
        path = re.sub(r"<[^>]+>", "unknown", own)
        headers = {"Accept": "application/json"} | (
            {"Authorization": f"Bearer {tokens[role]}"} if role else {}
        )
        return sqlite_desk.app.test_client().open(path, method=method, headers=headers)

    return go


@pytest.mark.parametrize("route", [route for route, roles in ACCESS.items() if roles != PUBLIC])
def test_a_route_lets_in_whom_it_should(knock, route):
    assert knock(route, None).status_code == 401
    for role in ROLES:
        answer = knock(route, role)
        if role in ACCESS[route]:
            assert answer.status_code not in (401, 403), (role, answer.text)
        else:
            assert (answer.status_code, answer.json["error"]["code"]) == (403, "not_permitted"), role


@pytest.mark.parametrize("route", [route for route, roles in ACCESS.items() if roles == PUBLIC])
def test_a_public_route_asks_nobody_who_they_are(knock, route):
    answer = knock(route, None)
    spent_link = route == "GET /sign-in/<code>"
    assert answer.status_code == 401 if spent_link else answer.status_code not in (401, 403)


def test_a_visitor_of_another_conversation_finds_nothing(sqlite_desk):
    mine, theirs = sqlite_desk.open(), sqlite_desk.open()
    answers = [
        sqlite_desk.get(f"/v1/conversations/{theirs['conversation_id']}/messages", mine["visitor_token"]),
        sqlite_desk.say(theirs, "customer", "It is me", by=mine["visitor_token"]),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]


def test_another_desks_rows_are_not_found(desk):
    opened, shown = desk.open_ready()
    message_id = desk.messages(opened)[0]["message_id"]
    with unit_of_work(desk.engine) as session:
        ensure_desk(session, now=desk.clock.now(), desk_id="other", name="Other")
        desk.tokens["stranger"] = users.create_token(
            session, desk_id="other", name="x", role="admin", now=desk.clock.now()
        )
    answers = [
        desk.get(f"/v1/conversations/{opened['conversation_id']}/messages", "stranger"),
        desk.say(opened, "customer", "Hi", by="stranger"),
        desk.post(f"/v1/turns/{opened['turn_id']}/claim", "stranger"),
        desk.post(f"/v1/turns/{opened['turn_id']}/release", "stranger"),
        desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "stranger"),
        desk.get(f"/v1/sets/{shown['set_id']}", "stranger"),
        desk.pick(shown, 0, "stranger"),
        desk.post(f"/v1/messages/{message_id}/thumbs", "stranger", value=1),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    picked = desk.pick(shown).json["judgement_id"]
    assert desk.post(f"/v1/judgements/{picked}/undo", "stranger").status_code == 404
    assert desk.get("/v1/queue", "stranger").json["turns"] == []
