"""What customers say of a reply reaches the one who sent it, and nobody else."""

from feedback.store.tables import Message


def hear(desk, role="agent", query=""):
    answer = desk.get(f"/v1/thumbs{query}", role)
    assert answer.status_code == 200, answer.text
    return [(row["message_id"], row["value"]) for row in answer.json["thumbs"]]


def send(desk, role="agent", **fields):
    opened, shown = desk.open_ready(**fields)
    message_id = desk.pick(shown, 1, role).json["message_id"]
    desk.clock.advance(6)
    return opened, message_id


def thumb(desk, opened, message_id, value, **said):
    desk.clock.advance(1)
    path = f"/v1/messages/{message_id}/thumbs"
    assert desk.post(path, opened["visitor_token"], value=value, **said).status_code == 201


def test_a_thumb_reaches_who_sent_the_reply_alone(desk):
    opened, message_id = send(desk)
    thumb(desk, opened, message_id, 1)
    assert hear(desk) == [(message_id, 1)]
    assert hear(desk, desk.tokens["ben"]) == hear(desk, "expert") == []
    assert hear(desk, "app", "?agent=ben") == []


def test_the_last_thumb_counts_and_one_taken_back_is_none(desk):
    opened, message_id = send(desk)
    thumb(desk, opened, message_id, 1)
    thumb(desk, opened, message_id, -1, reasons=["too_long"], comment="Long.")
    assert hear(desk) == [(message_id, -1)]
    thumb(desk, opened, message_id, 0)
    assert hear(desk) == []


def test_a_reply_by_hand_is_its_writer_s_too(desk):
    opened = desk.open()
    message_id = desk.say(opened, "agent", "By hand.", by="agent").json["message_id"]
    desk.clock.advance(6)
    thumb(desk, opened, message_id, 1)
    assert hear(desk) == [(message_id, 1)]
    assert desk.row(Message, id=message_id).agent == desk.users["ann"]


def test_newest_first_of_one_conversation_or_all_of_a_week(desk):
    first, second = send(desk), send(desk)
    for opened, message_id in (first, second):
        thumb(desk, opened, message_id, 1)
    assert hear(desk) == [(second[1], 1), (first[1], 1)]
    assert hear(desk, query=f"?conversation_id={first[0]['conversation_id']}") == [(first[1], 1)]
    desk.clock.advance(7 * 24 * 3600 + 1)
    assert hear(desk) == []


def test_it_says_neither_arm_nor_adapter(desk):
    opened, message_id = send(desk)
    thumb(desk, opened, message_id, 1)
    [row] = desk.get("/v1/thumbs", "agent").json["thumbs"]
    assert set(row) == {
        *("thumb_id", "message_id", "conversation_id", "customer_id"),
        *("value", "reasons", "comment", "created_at"),
    }
