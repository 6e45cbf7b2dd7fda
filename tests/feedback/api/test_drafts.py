"""Drafts: one person's in one conversation, never overwritten by what is older, gone with what was sent."""

import pytest

from feedback.store.tables import Draft, Event


def keep(desk, opened, role="ann", **said):
    answer = desk.put(f"/v1/conversations/{opened['conversation_id']}/draft", role, **said)
    assert answer.status_code == 200, answer.text
    return answer.json["revision"]


def read_all(desk, role="ann", query=""):
    return desk.get(f"/v1/drafts{query}", role).json["drafts"]


def texts(desk, role="ann"):
    return [draft["text"] for draft in read_all(desk, role)]


def test_several_drafts_are_kept_for_their_writer_alone(desk):
    first, second = desk.open("Where is it?"), desk.open("How much?")
    keep(desk, first, revision=1, text="On its", turn_id=first["turn_id"], taken="c1")
    desk.clock.advance(1)
    keep(desk, second, revision=1, none_good=True)
    keep(desk, first, role="ben", revision=1, text="Ben's own")
    assert [draft | {"updated_at": None} for draft in read_all(desk)] == [
        {
            "conversation_id": first["conversation_id"],
            "aside_id": None,
            "text": "On its",
            "taken": "c1",
            "none_good": False,
            "turn_id": first["turn_id"],
            "refused": None,
            "revision": 1,
            "updated_at": None,
            "asked": "Where is it?",
            "waiting_turn_id": first["turn_id"],
        },
        {
            "conversation_id": second["conversation_id"],
            "aside_id": None,
            "text": "",
            "taken": None,
            "none_good": True,
            "turn_id": None,
            "refused": None,
            "revision": 1,
            "updated_at": None,
            "asked": "",
            "waiting_turn_id": second["turn_id"],
        },
    ]
    assert texts(desk, "ben") == ["Ben's own"]
    assert desk.get("/v1/drafts", "ann").json["agent"] == desk.users["ann"]


def test_an_older_save_that_comes_late_changes_nothing(desk):
    opened = desk.open()
    assert keep(desk, opened, revision=7, text="On its way") == 7
    assert keep(desk, opened, revision=6, text="On its") == 7
    assert keep(desk, opened, revision=7, text="another") == 7
    assert texts(desk) == ["On its way"]
    assert keep(desk, opened, revision=8, text="") == 8
    assert texts(desk) == []
    assert keep(desk, opened, revision=7, text="On its way") == 8
    assert texts(desk) == []


def test_saving_leaves_one_row_and_no_event(desk):
    opened = desk.open()
    before = len(desk.rows(Event))
    for revision in range(1, 6):
        keep(desk, opened, revision=revision, text="x" * revision)
    assert (len(desk.rows(Event)), len(desk.rows(Draft))) == (before, 1)


def test_texts_beside_the_composer_have_slots_of_their_own(desk):
    opened = desk.open()
    keep(desk, opened, revision=1, text="What a card replaced", aside_id="a")
    desk.clock.advance(1)
    keep(desk, opened, revision=1, text="Came too late", aside_id="b", refused="already_judged")
    desk.clock.advance(1)
    keep(desk, opened, revision=1, text="Now")
    assert [(draft["aside_id"], draft["text"], draft["refused"]) for draft in read_all(desk)] == [
        ("a", "What a card replaced", None),
        ("b", "Came too late", "already_judged"),
        (None, "Now", None),
    ]


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_draft_goes_with_the_send_that_was_accepted(desk, by_hand):
    opened, shown = desk.open_ready()
    keep(desk, opened, revision=3, text="By hand", turn_id=opened["turn_id"])
    keep(desk, opened, revision=3, text="Put aside", aside_id="a")

    def send(role):
        if by_hand:
            said = {"turn_id": opened["turn_id"], "draft_revision": 4}
            return desk.say(opened, "agent", "By hand.", by=role, **said)
        return desk.judge(shown, "own", role, text="By hand.", draft_revision=4)

    desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ben")
    assert send("ann").json["error"]["code"] == "turn_claimed"
    assert sorted(texts(desk)) == ["By hand", "Put aside"], "a refusal leaves it"
    desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ann", take_over=True)
    assert send("ann").status_code == 201
    assert texts(desk) == ["Put aside"]
    assert keep(desk, opened, revision=4, text="By hand.") == 4, "a save that was on its way"
    assert texts(desk) == ["Put aside"]
    keep(desk, opened, revision=5, text="One more thing")
    assert sorted(texts(desk)) == ["One more thing", "Put aside"]


def test_what_was_written_after_the_send_stays(desk):
    opened, shown = desk.open_ready()
    keep(desk, opened, revision=5, text="By hand. And more")
    assert desk.judge(shown, "own", "ann", text="By hand.", draft_revision=4).status_code == 201
    assert texts(desk) == ["By hand. And more"]


def test_a_draft_stays_when_the_customer_writes_again_and_knows_what_waits_now(desk):
    opened = desk.open("Where is it?")
    keep(desk, opened, revision=1, text="On its way", turn_id=opened["turn_id"])
    newer = desk.say(opened, "customer", "Hello?").json["turn_id"]
    (draft,) = read_all(desk)
    assert (draft["turn_id"], draft["asked"]) == (opened["turn_id"], "Where is it?")
    assert draft["waiting_turn_id"] == newer
    desk.say(opened, "agent", "It is there.", by="ben")
    assert read_all(desk)[0]["waiting_turn_id"] is None


def test_a_reply_by_hand_names_the_turn_that_it_answers(desk):
    opened, other = desk.open(), desk.open()
    newer = desk.say(opened, "customer", "Hello?").json["turn_id"]
    late = desk.say(opened, "agent", "Too late", by="ann", turn_id=opened["turn_id"])
    assert (late.status_code, late.json["error"]["code"]) == (409, "turn_superseded")
    elsewhere = desk.say(other, "agent", "Elsewhere", by="ann", turn_id=newer)
    assert (elsewhere.status_code, elsewhere.json["error"]["code"]) == (404, "turn_not_found")
    assert desk.say(opened, "agent", "In time", by="ben", turn_id=newer).status_code == 201
    late = desk.say(opened, "agent", "Too late", by="ann", turn_id=newer)
    assert (late.status_code, late.json["error"]["code"]) == (409, "already_judged")


def test_an_app_keeps_drafts_for_the_agents_it_acts_for(desk):
    opened = desk.open()
    keep(desk, opened, role="app", revision=1, text="Zoe's", agent="zoe")
    assert [draft["text"] for draft in read_all(desk, "app", "?agent=zoe")] == ["Zoe's"]
    assert read_all(desk, "app") == []


def test_nothing_is_written_to_what_was_erased(desk):
    opened = desk.open()
    keep(desk, opened, revision=1, text="On its way")
    desk.post(f"/v1/conversations/{opened['conversation_id']}/erasure", "app")
    assert texts(desk) == []
    path = f"/v1/conversations/{opened['conversation_id']}/draft"
    answer = desk.put(path, "ann", revision=2, text="On its way")
    assert (answer.status_code, answer.json["error"]["code"]) == (410, "conversation_erased")


def test_a_draft_for_a_turn_of_another_conversation_is_refused(desk):
    opened, other = desk.open(), desk.open()
    path = f"/v1/conversations/{opened['conversation_id']}/draft"
    for turn_id in (other["turn_id"], "unknown"):
        answer = desk.put(path, "ann", revision=1, text="x", turn_id=turn_id)
        assert (answer.status_code, answer.json["error"]["code"]) == (404, "turn_not_found")
    for said in ({"text": "x"}, {"revision": 0, "text": "x"}, {"revision": 1, "text": "x" * 20_001}):
        assert desk.put(path, "ann", **said).status_code == 422
