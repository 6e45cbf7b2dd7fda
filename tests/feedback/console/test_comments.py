"""What people say beside thumbs and judgements: from the store, and on the console in both languages."""

import re

import pytest

from feedback.store.engine import read
from feedback.store.feedback_comments import list_feedback_comments


def comments(desk, limit=50):
    with read(desk.engine) as session:
        found = list_feedback_comments(session, desk_id="default", limit=limit)
    return [(one.on, one.agent, one.reasons, one.comment, one.text) for one in found]


def thumb(desk, opened, message_id, value, **said):
    desk.clock.advance(1)
    path = f"/v1/messages/{message_id}/thumbs"
    assert desk.post(path, opened["visitor_token"], value=value, **said).status_code == 201


def answer(desk, **said):
    """A conversation, its reply as the customer sees it."""
    opened, shown = desk.open_ready()
    message_id = desk.pick(shown, 1, **said).json["message_id"]
    desk.clock.advance(6)
    return opened, message_id


def test_reasons_and_comments_are_listed_newest_first(desk):
    opened, message_id = answer(desk, reasons=["tone"])
    thumb(desk, opened, message_id, -1, reasons=["too_long"], comment="Far too long.")
    answer(desk)  # without a word
    assert comments(desk) == [
        ("down", None, ["too_long"], "Far too long.", "Tuned one."),
        ("pick", "ann", ["tone"], None, None),
    ]
    assert len(comments(desk, limit=1)) == 1


def test_the_last_thumb_speaks_and_what_was_taken_back_does_not(desk):
    opened, first = answer(desk)
    thumb(desk, opened, first, -1, comment="Wrong.")
    thumb(desk, opened, first, 1, comment="Right after all.")
    other, second = answer(desk)
    thumb(desk, other, second, -1, reasons=["wrong"])
    thumb(desk, other, second, 0)
    _, shown = desk.open_ready()
    judged = desk.judge(shown, "none", reasons=["made_up"]).json["judgement_id"]
    assert [said[0] for said in comments(desk)] == ["none", "up"]
    assert desk.post(f"/v1/judgements/{judged}/undo", "agent").status_code == 201
    assert comments(desk) == [("up", None, [], "Right after all.", "Tuned one.")]


def test_reasons_named_after_a_judgement_are_listed_in_the_place_of_its_own(desk):
    _, shown = desk.open_ready()
    judged = desk.pick(shown, 1, reasons=["tone"]).json["judgement_id"]
    for reasons in (["too_long"], ["too_long", "unsafe"]):
        desk.clock.advance(1)
        assert desk.post(f"/v1/judgements/{judged}/reasons", "agent", reasons=reasons).status_code == 201
    assert comments(desk) == [("pick", "ann", ["too_long", "unsafe"], None, None)]
    desk.clock.advance(1)
    assert desk.post(f"/v1/judgements/{judged}/reasons", "agent", reasons=[]).status_code == 201
    assert comments(desk) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["What people say", "Customer not helpful too long my_code", "ann sent as suggested tone"]),
        ("zh", ["大家对回复的意见", "客户 没有帮助 太长 my_code", "ann 原样发送 语气不当"]),
    ],
)
def test_the_page_shows_them(sqlite_desk, language, words):
    desk = sqlite_desk
    opened, message_id = answer(desk, reasons=["tone"])
    thumb(desk, opened, message_id, -1, reasons=["too_long", "my_code"], comment="<b>Long</b> & wrong")
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}", "Accept-Language": language}
    page = desk.app.test_client().get("/console/comments", headers=headers)
    assert page.status_code == 200 and "&lt;b&gt;Long&lt;/b&gt; &amp; wrong" in page.text
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
    for each in words:
        assert each in plain, plain


def test_the_page_says_so_where_nobody_has_said_anything(sqlite_desk):
    page = sqlite_desk.app.test_client().get(
        "/console/comments", headers={"Authorization": f"Bearer {sqlite_desk.tokens['expert']}"}
    )
    assert "No comment yet" in page.text
