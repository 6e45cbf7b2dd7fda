"""Reading holds nothing and is seen; a claim lives by its holder's presence, ends with it, and may be taken
over.
"""

from feedback.store.tables import Event, Presence


def see(desk, role, turn_id):
    """Of this turn: who answers it, and who else reads it."""
    (turn,) = (t for t in desk.get("/v1/queue", role).json["turns"] if t["turn_id"] == turn_id)
    return turn["claimed_by_name"], turn["readers"]


def look(desk, role, turn_id=None, **said):
    answer = desk.put("/v1/presence", role, turn_id=turn_id, **said)
    assert answer.status_code == 200, answer.text
    return answer.json["claimed_by_me"]


def test_looking_is_seen_by_others_and_holds_nothing(desk):
    first, second = desk.open()["turn_id"], desk.open()["turn_id"]
    assert not look(desk, "ann", first)
    assert look(desk, "app", first, agent="zoe") is False
    assert see(desk, "ben", first) == (None, ["ann", "zoe"])
    assert see(desk, "ann", first) == (None, ["zoe"])
    look(desk, "ann", second, left=first)
    assert see(desk, "ben", first) == (None, ["zoe"])
    assert see(desk, "ben", second) == (None, ["ann"])
    assert desk.post(f"/v1/turns/{second}/claim", "ben").status_code == 200
    assert see(desk, "ann", second) == ("ben", [])


def test_who_asks_is_told_how_the_queue_calls_them(desk):
    assert desk.get("/v1/queue", "ann").json["agent"] == desk.users["ann"]
    assert desk.get("/v1/queue?agent=zoe", "app").json["agent"] == "app:zoe"


def test_a_claim_lives_as_long_as_its_holder_is_there(desk):
    turn_id = desk.open()["turn_id"]
    desk.post(f"/v1/turns/{turn_id}/claim", "ann")
    for _ in range(6):
        desk.clock.advance(20)
        assert look(desk, "ann", turn_id)
    assert see(desk, "ben", turn_id) == ("ann", ["ann"])
    assert not look(desk, "ben", turn_id)


def test_an_expired_claim_that_nobody_took_is_prolonged(desk):
    turn_id = desk.open()["turn_id"]
    desk.post(f"/v1/turns/{turn_id}/claim", "ann")
    desk.clock.advance(600)
    assert look(desk, "ann", turn_id)
    assert see(desk, "ben", turn_id)[0] == "ann"


def test_leaving_a_turn_or_the_desk_ends_the_claim(desk):
    turn_id = desk.open()["turn_id"]
    desk.post(f"/v1/turns/{turn_id}/claim", "ann")
    look(desk, "ben", left=turn_id)  # not his to give back
    assert see(desk, "ben", turn_id)[0] == "ann"
    look(desk, "ann", left=turn_id)
    assert see(desk, "ben", turn_id) == (None, [])
    desk.post(f"/v1/turns/{turn_id}/claim", "ann")
    look(desk, "ann", turn_id)
    assert not look(desk, "ann", left=turn_id, here=False)
    assert see(desk, "ben", turn_id) == (None, [])
    assert {row.agent for row in desk.rows(Presence)} == {desk.users["ben"]}


def test_a_colleague_takes_over_and_the_former_holder_is_told(desk):
    opened, shown = desk.open_ready()
    claim = f"/v1/turns/{opened['turn_id']}/claim"
    desk.post(claim, "ann")
    assert desk.post(claim, "ben").json["error"]["code"] == "turn_claimed"
    assert desk.post(claim, "ben", take_over=True).json["claimed_by"] == desk.users["ben"]
    assert not look(desk, "ann", opened["turn_id"])
    assert see(desk, "ann", opened["turn_id"])[0] == "ben"
    assert desk.pick(shown, 0, "ann").json["error"]["code"] == "turn_claimed"
    assert desk.pick(shown, 0, "ben").status_code == 201


def test_a_send_renews_an_expired_claim_and_fails_on_one_that_was_taken(desk):
    opened, shown = desk.open_ready()
    claim = f"/v1/turns/{opened['turn_id']}/claim"
    desk.post(claim, "ann")
    desk.clock.advance(600)
    desk.post(claim, "ben")
    assert desk.pick(shown, 0, "ann").json["error"]["code"] == "turn_claimed"
    desk.clock.advance(600)
    assert desk.pick(shown, 0, "ann").status_code == 201


def test_presence_leaves_no_trace_beside_its_row(desk):
    turn_id = desk.open()["turn_id"]
    before = len(desk.rows(Event))
    for _ in range(3):
        look(desk, "ann", turn_id)
    assert len(desk.rows(Event)) == before
    assert len(desk.rows(Presence)) == 1


def test_what_names_no_turn_is_refused(desk):
    for said in ({"turn_id": "unknown"}, {"left": "unknown"}):
        answer = desk.put("/v1/presence", "ann", **said)
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "turn_not_found")
    assert desk.put("/v1/presence", "ann", event_id="x").status_code == 422
