"""Who gets in: tokens, one-time links, sessions that can be ended, CSRF, and the headers on every answer."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event

from feedback.app import read_secret_key
from feedback.settings import FeedbackSettings
from feedback.store import users, web_sessions
from feedback.store.engine import read_connection, unit_of_work
from feedback.store.tables import ApiToken, Presence, SignInLink, Turn, WebSession
from feedback.web.auth import actor_from_token, actor_from_visitor_token
from tests.feedback.desk import make_desk

COOKIE, NOBODY_COOKIE = "rejoinder_session", "rejoinder_nobody"


def make_link(desk, name="ann"):
    with unit_of_work(desk.engine) as session:
        return users.create_sign_in_link(
            session, desk_id="default", user_id=desk.users[name], now=desk.clock.now()
        )


def sign_in(desk, name="ann"):
    """A browser in which this user is signed in."""
    browser = desk.app.test_client()
    answer = browser.get(f"/sign-in/{make_link(desk, name)}")
    assert answer.status_code == 302
    return browser


def csrf_of(browser, path="/workbench"):
    page = browser.get(path).text
    return re.search(r'name="csrf[-_]token" (?:content|value)="([^"]+)"', page).group(1)


def claim(desk, browser, **headers):
    path = f"/v1/turns/{desk.open()['turn_id']}/claim"
    return browser.post(path, json={"event_id": str(uuid4())}, headers=headers)


def code_of(answer):
    return answer.status_code, answer.json["error"]["code"]


# Tokens


def test_tokens_are_kept_as_hashes_alone(desk):
    with unit_of_work(desk.engine) as session:
        token = users.create_token(session, desk_id="default", name="bot", role="app", now=desk.clock.now())
    assert token.startswith("rj_app_") and len(token) > 45
    assert token not in str([row.model_dump() for row in desk.rows(ApiToken)])
    with read_connection(desk.engine) as connection:
        assert actor_from_token(connection, token).key == "token:bot"
        assert actor_from_token(connection, token + "x") is None


def test_a_revoked_token_is_refused_at_the_next_request(desk):
    row = desk.row(ApiToken, name="ann")
    with unit_of_work(desk.engine) as session:
        users.revoke_api_token(session, desk_id="default", token_id=row.id, now=desk.clock.now())
    assert code_of(desk.get("/v1/queue", "ann")) == (401, "token_invalid")


def test_an_inactive_user_is_out_at_once(desk):
    browser = sign_in(desk)
    assert browser.get("/v1/queue").status_code == 200
    with unit_of_work(desk.engine) as session:
        users.set_user_active(session, desk_id="default", user_id=desk.users["ann"], active=False)
    assert code_of(browser.get("/v1/queue")) == (401, "sign_in_needed")
    assert code_of(desk.get("/v1/queue", "ann")) == (401, "token_invalid")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer rj_visitor_x", "Bearer é"]
)
def test_a_wrong_token_is_an_error_and_not_nobody(sqlite_desk, header):
    answer = sqlite_desk.app.test_client().get("/v1/queue", headers={"Authorization": header})
    assert code_of(answer) == (401, "token_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_nobody_is_asked_to_sign_in(sqlite_desk):
    assert code_of(sqlite_desk.get("/v1/queue", None)) == (401, "sign_in_needed")


def test_a_visitor_token_opens_its_conversation(desk):
    opened = desk.open()
    with read_connection(desk.engine) as connection:
        actor = actor_from_visitor_token(connection, opened["visitor_token"])
    assert (actor.role, actor.conversation_id) == ("visitor", opened["conversation_id"])


def test_an_unknown_role_has_no_token(desk):
    with pytest.raises(users.RoleUnknown), unit_of_work(desk.engine) as session:
        users.create_token(session, desk_id="default", name="x", role="root", now=desk.clock.now())


# One-time links


def test_a_link_signs_in_once(desk):
    code = make_link(desk)
    browser = desk.app.test_client()
    assert browser.head(f"/sign-in/{code}").status_code == 200, "a preview does not use it up"
    assert browser.get(f"/sign-in/{code}").status_code == 302
    assert browser.get("/v1/queue").status_code == 200
    stranger = desk.app.test_client()
    assert stranger.get(f"/sign-in/{code}").status_code == 401
    assert code_of(stranger.get("/v1/queue")) == (401, "sign_in_needed")
    assert code not in str(desk.row(SignInLink).model_dump())


def test_a_link_asks_before_it_replaces_somebody(desk):
    browser, code = sign_in(desk, "ann"), make_link(desk, "ben")
    asked = browser.get(f"/sign-in/{code}")
    assert asked.status_code == 200
    assert "Sign in as ben?" in asked.text and "signed in as ann" in asked.text
    assert desk.row(SignInLink, user_id=desk.users["ben"]).used_at is None
    claimed = claim(desk, browser, **{"X-CSRFToken": csrf_of(browser)})
    assert claimed.json["claimed_by"] == desk.users["ann"]
    forged = browser.post(f"/sign-in/{code}")
    assert forged.status_code == 400, "another site cannot press the button"
    token = csrf_of(browser, f"/sign-in/{code}")
    assert browser.post(f"/sign-in/{code}", data={"csrf_token": token}).status_code == 302
    claimed = claim(desk, browser, **{"X-CSRFToken": csrf_of(browser)})
    assert claimed.json["claimed_by"] == desk.users["ben"]


def test_who_leaves_by_any_way_reads_and_holds_nothing_any_more(desk):
    def sign_out(browser):
        browser.post("/sign-out", data={"csrf_token": csrf_of(browser)})

    def follow_a_colleagues_link(browser):
        code = make_link(desk, "ben")
        browser.post(f"/sign-in/{code}", data={"csrf_token": csrf_of(browser, f"/sign-in/{code}")})

    def paste_a_colleagues_token(browser):
        csrf_token = csrf_of(browser)
        browser.post("/sign-in", data={"csrf_token": csrf_token, "token": desk.tokens["ben"]})

    for leave in (sign_out, follow_a_colleagues_link, paste_a_colleagues_token):
        browser = sign_in(desk, "ann")
        held = claim(desk, browser, **{"X-CSRFToken": csrf_of(browser)}).json["turn_id"]
        desk.put("/v1/presence", "ann", turn_id=held)
        leave(browser)
        assert desk.row(Turn, id=held).claimed_by is None, leave.__name__
        assert desk.rows(Presence) == [], leave.__name__


def test_a_link_of_ones_own_asks_nothing(desk):
    browser, code = sign_in(desk, "ann"), make_link(desk, "ann")
    assert browser.get(f"/sign-in/{code}").status_code == 302
    assert desk.app.test_client().get(f"/sign-in/{code}").status_code == 401, "it works once, here too"


def test_a_link_expires(desk):
    code = make_link(desk)
    desk.clock.advance(60 * 60)
    assert desk.app.test_client().get(f"/sign-in/{code}").status_code == 401


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\tx"]
)
def test_signing_in_leads_to_our_own_pages_alone(sqlite_desk, target):
    browser = sqlite_desk.app.test_client()
    answer = browser.get(f"/sign-in/{make_link(sqlite_desk)}", query_string={"next": target})
    assert answer.headers["Location"] == "/"


def test_a_page_sends_nobody_to_sign_in_and_back(sqlite_desk):
    answer = sqlite_desk.app.test_client().get("/workbench", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in?next=/workbench")


# Nobody's session


def test_looking_at_the_sign_in_page_writes_nothing(desk):
    statements = []

    def note(connection, cursor, statement, *rest):
        statements.append(statement)

    event.listen(desk.engine, "before_cursor_execute", note)
    browser = desk.app.test_client()
    for _ in range(2):
        assert browser.get("/sign-in").status_code == 200
    event.remove(desk.engine, "before_cursor_execute", note)
    assert desk.rows(WebSession) == []
    assert not [one for one in statements if not one.startswith(("SELECT", "BEGIN"))]


def test_nobodys_session_ends_after_two_hours_and_cannot_be_forged(desk):
    browser = desk.app.test_client()
    form = {"token": desk.tokens["ann"], "csrf_token": csrf_of(browser, "/sign-in")}
    cookie = browser.get_cookie(NOBODY_COOKIE).value
    # Not the last sign: some of its bits stand for nothing.
    browser.set_cookie(NOBODY_COOKIE, cookie[:-5] + ("a" if cookie[-5] != "a" else "b") + cookie[-4:])
    assert browser.post("/sign-in", data=form).status_code == 400
    browser.set_cookie(NOBODY_COOKIE, cookie)
    desk.clock.advance(2 * 3_600)
    assert browser.post("/sign-in", data=form).status_code == 400


# Pasted tokens


def paste(desk, token):
    browser = desk.app.test_client()
    form = {"token": token, "csrf_token": csrf_of(browser, "/sign-in"), "next": "/workbench"}
    return browser, browser.post("/sign-in", data=form)


def test_a_person_signs_in_by_pasting_their_token(desk):
    browser, answer = paste(desk, desk.tokens["ann"])
    assert (answer.status_code, answer.headers["Location"]) == (302, "/workbench")
    assert browser.get("/v1/queue").status_code == 200
    with unit_of_work(desk.engine) as session:
        row = desk.row(ApiToken, name="ann")
        users.revoke_api_token(session, desk_id="default", token_id=row.id, now=desk.clock.now())
    assert browser.get("/v1/queue").status_code == 401, "the session ends with its token"


@pytest.mark.parametrize("role", ["app", "rj_agent_wrong", ""])
def test_programs_and_strangers_do_not_sign_in(sqlite_desk, role):
    browser, answer = paste(sqlite_desk, sqlite_desk.tokens.get(role, role))
    assert answer.status_code == 401
    assert browser.get("/v1/queue").status_code == 401


def test_the_sign_in_form_is_protected(sqlite_desk):
    answer = sqlite_desk.app.test_client().post("/sign-in", data={"token": sqlite_desk.tokens["ann"]})
    assert answer.status_code == 400


# Sessions


def test_signing_in_takes_a_new_session_id(desk):
    browser = desk.app.test_client()
    browser.get("/sign-in")
    assert browser.get_cookie(COOKIE) is None
    before = browser.get_cookie(NOBODY_COOKIE).value
    browser.get(f"/sign-in/{make_link(desk)}")
    after = browser.get_cookie(COOKIE).value
    assert before != after
    assert after not in str([row.model_dump() for row in desk.rows(WebSession)])
    browser.set_cookie(COOKIE, before)
    assert browser.get("/v1/queue").status_code == 401


def test_a_sign_in_page_that_arrives_late_signs_nobody_out(desk):
    """One tab of a browser was signed out and loads the sign-in page while somebody signs in at another."""
    other = desk.app.test_client()
    late = [other.get(path) for path in ("/sign-in", "/workbench")]
    other.set_cookie(COOKIE, "of a session that was ended")
    late += [other.get("/sign-in"), other.get("/v1/queue")]
    browser = sign_in(desk)
    for answer in late:
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, rest = line.partition("=")
            browser.set_cookie(name, rest.partition(";")[0])
    assert browser.get("/v1/queue").status_code == 200


def test_logging_out_ends_the_session_for_good(desk):
    browser = sign_in(desk)
    cookie = browser.get_cookie(COOKIE).value
    token = csrf_of(browser)
    assert browser.post("/sign-out").status_code == 400, "no page of another site may do it"
    assert browser.post("/sign-out", data={"csrf_token": token}).status_code == 302
    browser.set_cookie(COOKIE, cookie)
    assert browser.get("/v1/queue").status_code == 401


def test_sessions_are_ended_one_by_one_or_all_of_a_user(desk):
    first, second, other = sign_in(desk), sign_in(desk), sign_in(desk, "ben")
    with unit_of_work(desk.engine) as session:
        cookie = users.hash_secret(first.get_cookie(COOKIE).value)
        assert session.get(WebSession, cookie).user_id == desk.users["ann"]
        web_sessions.end_one_session(session, desk_id="default", id_hash=cookie, now=desk.clock.now())
    assert [browser.get("/v1/queue").status_code for browser in (first, second, other)] == [401, 200, 200]
    with unit_of_work(desk.engine) as session:
        ended = web_sessions.end_sessions_of(
            session, desk_id="default", user_id=desk.users["ann"], now=desk.clock.now()
        )
    assert ended == 1
    assert [browser.get("/v1/queue").status_code for browser in (first, second, other)] == [401, 401, 200]


def test_a_session_expires_whatever_the_browser_says(desk):
    browser = sign_in(desk)
    desk.clock.advance(timedelta(days=14).total_seconds())
    assert browser.get("/v1/queue").status_code == 401


def test_the_cookie_is_bound_to_the_host_under_https(store_engine, tmp_path):
    desk = make_desk(store_engine, tmp_path, public_url="https://desk.example")
    plain = desk.app.test_client().get(f"/sign-in/{make_link(desk)}").headers["Set-Cookie"]
    secure = desk.app.test_client().get(f"/sign-in/{make_link(desk)}", base_url="https://desk.example")
    assert plain.startswith("rejoinder_session=") and "HttpOnly" in plain and "SameSite=Lax" in plain
    assert secure.headers["Set-Cookie"].startswith("__Host-rejoinder_session=")
    assert "Secure" in secure.headers["Set-Cookie"] and "Domain" not in secure.headers["Set-Cookie"]
    assert secure.headers["Strict-Transport-Security"]


# CSRF


def test_a_cookie_alone_writes_nothing(desk):
    browser = sign_in(desk)
    assert code_of(claim(desk, browser)) == (400, "csrf_failed")
    assert code_of(claim(desk, browser, **{"X-CSRFToken": "wrong"})) == (400, "csrf_failed")
    assert claim(desk, browser, **{"X-CSRFToken": csrf_of(browser)}).status_code == 200


def test_another_sessions_csrf_token_does_not_do(desk):
    ann, ben = sign_in(desk), sign_in(desk, "ben")
    assert code_of(claim(desk, ann, **{"X-CSRFToken": csrf_of(ben)})) == (400, "csrf_failed")


def test_a_bearer_needs_no_csrf_token(desk):
    assert desk.post(f"/v1/turns/{desk.open()['turn_id']}/claim", "ann").status_code == 200


# Headers and the key


@pytest.mark.parametrize("path", ["/sign-in", "/v1/queue", "/openapi.json", "/nowhere", "/workbench"])
def test_every_answer_carries_the_headers(sqlite_desk, path):
    headers = sqlite_desk.get(path, "ann").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "*" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_the_secret_key_is_made_once_and_kept_private(tmp_path):
    settings = FeedbackSettings(data_dir=tmp_path / "var")
    first = read_secret_key(settings)
    assert len(first) >= 48 and read_secret_key(settings) == first
    assert (tmp_path / "var" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret.key"]


def test_a_short_secret_key_is_refused(tmp_path):
    with pytest.raises(ValueError, match="shorter than 32"):
        read_secret_key(FeedbackSettings(data_dir=tmp_path, secret_key="short"))


def test_behind_a_proxy_its_headers_are_believed(sqlite_engine, tmp_path):
    forged = {"X-Forwarded-Proto": "https"}
    believing = (
        make_desk(sqlite_engine, tmp_path, trusted_proxies=1)
        .app.test_client()
        .get("/sign-in", headers=forged)
    )
    assert believing.headers["Set-Cookie"].startswith("__Host-")


def test_nobody_believes_them_by_default(sqlite_desk):
    answer = sqlite_desk.app.test_client().get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Set-Cookie"].startswith("rejoinder_nobody=")
