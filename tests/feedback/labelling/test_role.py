"""The role labeller: the page Label and its calls, and nothing else."""

import pytest

from feedback.actor import Actor

BELOW = {
    "labeller": {"labeller"},
    "agent": {"labeller", "agent"},
    "expert": {"labeller", "agent", "expert"},
    "admin": {"app", "visitor", "labeller", "agent", "expert", "admin"},
    "app": {"app"},
    "visitor": {"visitor"},
}


@pytest.mark.parametrize("role", BELOW)
def test_a_role_may_what_those_below_it_may(role):
    actor = Actor("token", role, "default", "x")
    assert {other for other in BELOW["admin"] if actor.may((other,))} == BELOW[role]
    assert not Actor("token", "labeller", "default", "x").may(("agent", "app"))


def test_a_labeller_lands_on_their_page(sqlite_desk):
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['labeller']}"}
    answer = sqlite_desk.app.test_client().get("/", headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/label")


def test_an_admin_lets_a_labeller_in_who_signs_in_by_link(sqlite_desk):
    client = sqlite_desk.app.test_client()
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['admin']}"}
    page = client.post("/console/people", headers=headers, data={"name": "Li", "role": "labeller"})
    assert page.status_code == 200
    link = page.text.split("/sign-in/")[1].split("<")[0]
    browser = sqlite_desk.app.test_client()
    assert browser.get(f"/sign-in/{link}").headers["Location"] == "/"
    assert browser.get("/").headers["Location"] == "/label"
    assert browser.get("/v1/tasks").json == {"tasks": []}
    assert browser.get("/v1/queue").status_code == 403
