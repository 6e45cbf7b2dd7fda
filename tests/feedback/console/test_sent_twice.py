"""A form that is sent twice (a double click, a reload, the back button) shows how it stands: no error page.

Every form of a page is in one of two tables: those that a browser sends itself, and those that console.js
sends as calls, each time with another event.
"""

from collections.abc import Callable

import pytest

from feedback.deployment.policy import load_policy
from feedback.deployment.policy_changes import note_policy_change
from feedback.store import runs, web_sessions
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, ApiToken, PolicyChange, Run, SignInLink, User, WebSession
from feedback.web.refusals import SENTENCES
from tests.databases import START
from tests.feedback.console.calls import list_calls, list_forms
from tests.feedback.console.scene import Scene, make_scene
from tests.feedback.web.test_auth import csrf_of, make_link, sign_in

HTML = {"Accept": "text/html"}


@pytest.fixture
def scene(sqlite_engine, fake_engine, fake_fleet, tmp_path) -> Scene:
    return make_scene(sqlite_engine, fake_engine, fake_fleet, tmp_path)


@pytest.fixture
def scene_on_both(store_engine, fake_engine, fake_fleet, tmp_path) -> Scene:
    return make_scene(store_engine, fake_engine, fake_fleet, tmp_path)


Form = tuple[str, dict[str, str]]  # where it goes and what it says


def add_person(scene: Scene) -> Form:
    return "/console/people", {"name": "Lin", "role": "agent"}


def make_another_link(scene: Scene) -> Form:
    return f"/console/people/{scene.desk.users['ann']}/link", {}


def shut_out(scene: Scene) -> Form:
    return f"/console/people/{scene.desk.users['ann']}/active", {"active": "no"}


def let_in(scene: Scene) -> Form:
    return f"/console/people/{scene.desk.users['ann']}/active", {"active": "yes"}


def end_session(scene: Scene) -> Form:
    sign_in(scene.desk, "ben")
    row = scene.desk.row(WebSession, user_id=scene.desk.users["ben"])
    return f"/console/sessions/{row.id_hash}/end", {}


def end_own_session(scene: Scene) -> Form:
    row = scene.desk.row(WebSession, user_id=scene.desk.users["ada"])
    return f"/console/sessions/{row.id_hash}/end", {}


def revoke_token(scene: Scene) -> Form:
    return f"/console/tokens/{scene.desk.row(ApiToken, name='ben').id}/revoke", {}


def cancel_run(scene: Scene) -> Form:
    with unit_of_work(scene.desk.engine) as session:
        run, _ = runs.file_run_request(
            session, desk_id=DEFAULT_DESK, kind="manual", slot="1", request={}, requested_by="ada", now=START
        )
        return f"/console/runs/{run.id}/cancel", {}


def explain_policy(scene: Scene) -> Form:
    for name in ("default", "careful"):
        note_policy_change(scene.desk.engine, load_policy(name), now=START)
    change = scene.desk.row(PolicyChange, name="careful")
    return f"/console/policy/{change.id}/reason", {"reason": "agents asked for it"}


def sign_out(scene: Scene) -> Form:
    return "/sign-out", {}


OF_AN_ADMIN: dict[str, Callable[[Scene], Form]] = {
    "POST /console/people": add_person,
    "POST /console/people/<user_id>/link": make_another_link,
    "POST /console/people/<user_id>/active": shut_out,
    "(let in)": let_in,
    "POST /console/sessions/<id_hash>/end": end_session,
    "(end one's own session)": end_own_session,
    "POST /console/tokens/<token_id>/revoke": revoke_token,
    "POST /console/runs/<run_id>/cancel": cancel_run,
    "POST /console/policy/<change_id>/reason": explain_policy,
    "POST /sign-out": sign_out,
}
OF_NOBODY = {"POST /sign-in", "POST /sign-in/<code>", "POST /chat/start"}  # below; /chat/start has an event


@pytest.mark.parametrize("act", OF_AN_ADMIN)
def test_a_form_of_a_page_is_sent_twice(scene, act):
    path, said = OF_AN_ADMIN[act](scene)
    form = said | {"csrf_token": csrf_of(scene.browser, "/console")}
    answers = [scene.browser.post(path, data=form, headers=HTML) for _ in range(2)]
    assert [answer.status_code for answer in answers if answer.status_code not in (200, 302)] == []


def test_every_form_of_a_page_is_in_the_table(scene):
    posts = {
        f"POST {rule.rule}"
        for rule in scene.desk.app.url_map.iter_rules()
        if "POST" in rule.methods and not rule.rule.startswith("/v1/")
    }
    assert posts == {act for act in OF_AN_ADMIN if act.startswith("POST")} | OF_NOBODY


def test_a_person_who_is_added_twice_is_there_once_and_gets_a_link_from_the_list(scene_on_both):
    form = {"name": "Lin", "role": "agent", "csrf_token": csrf_of(scene_on_both.browser, "/console")}
    first, again = (scene_on_both.browser.post("/console/people", data=form, headers=HTML) for _ in range(2))
    assert "Sign-in link for Lin" in first.text
    assert "Lin is here already." in again.text and "Sign-in link for Lin" not in again.text
    assert len(scene_on_both.desk.rows(User, name="Lin")) == 1


def test_a_run_that_has_ended_is_shown_as_it_ended(scene):
    path, _ = cancel_run(scene)
    run = scene.desk.row(Run)
    with unit_of_work(scene.desk.engine) as session:
        claimed = runs.claim_run(session, desk_id=DEFAULT_DESK, owner="w", now=START, lease_s=60)
        runs.finish_run(session, run_id=run.id, token=claimed.fencing_token, state="done", now=START)
    form = {"csrf_token": csrf_of(scene.browser, "/console")}
    answer = scene.browser.post(path, data=form, headers=HTML)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/console/runs/{run.id}")
    assert scene.desk.row(Run).state == "done"
    assert "Cancel this run" not in scene.browser.get(answer.headers["Location"], headers=HTML).text


def test_a_session_that_was_swept_out_meanwhile_has_ended(scene):
    path, _ = end_session(scene)
    form = {"csrf_token": csrf_of(scene.browser, "/console")}
    with unit_of_work(scene.desk.engine) as session:
        session.delete(session.get(WebSession, path.split("/")[3]))
    answer = scene.browser.post(path, data=form, headers=HTML)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/people")


def test_a_form_of_somebody_who_is_signed_out_leads_to_the_sign_in(scene):
    form = {"csrf_token": csrf_of(scene.browser, "/console")}
    with unit_of_work(scene.desk.engine) as session:
        web_sessions.end_sessions_of(
            session, desk_id=DEFAULT_DESK, user_id=scene.desk.users["ada"], now=scene.desk.clock.now()
        )
    answer = scene.browser.post("/console/people", data=form | {"name": "Lin"}, headers=HTML)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in")
    assert scene.desk.rows(User, name="Lin") == []


def test_a_token_is_pasted_twice(scene):
    browser = scene.desk.app.test_client()
    form = {
        "token": scene.desk.tokens["ann"],
        "csrf_token": csrf_of(browser, "/sign-in"),
        "next": "/workbench",
    }
    answers = [browser.post("/sign-in", data=form, headers=HTML) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [
        (302, "/workbench")
    ] * 2
    other = form | {"token": scene.desk.tokens["ben"]}  # of somebody else: no second sending of the same
    assert browser.post("/sign-in", data=other, headers=HTML).status_code == 400


@pytest.mark.parametrize("way", ["follow", "take over"])
def test_a_link_is_used_twice_by_whom_it_signed_in(scene, way):
    code = make_link(scene.desk, "ann")
    browser = scene.desk.app.test_client() if way == "follow" else scene.browser
    form = {} if way == "follow" else {"csrf_token": csrf_of(browser, f"/sign-in/{code}")}
    method = "GET" if way == "follow" else "POST"
    answers = [browser.open(f"/sign-in/{code}", method=method, data=form, headers=HTML) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Location"]) for answer in answers] == [(302, "/")] * 2
    assert scene.desk.row(SignInLink, user_id=scene.desk.users["ann"]).used_at is not None
    stranger = scene.desk.app.test_client()
    assert stranger.get(f"/sign-in/{code}", headers=HTML).status_code == 401


def test_a_form_that_a_script_sends_is_sent_twice(scene_on_both):
    calls = list_calls(scene_on_both)
    assert {form for form in calls if form.startswith("/")} == list_forms()
    for form, (path, said, second) in calls.items():
        _, again = (scene_on_both.desk.post(path, "admin", **said) for _ in range(2))
        assert second in (again.status_code, (again.json.get("error") or {}).get("code")), (form, again.text)
        assert isinstance(second, int) or second.endswith("_not_found") or second in SENTENCES
