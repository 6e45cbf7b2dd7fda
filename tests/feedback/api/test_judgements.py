"""Judgements over HTTP: what each kind does to the turn, the set and the message, and every refusal."""

import threading

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Judgement, Message, SuggestionSet, Turn, Unblinding
from tests.feedback.desk import TEXTS, put_set


def ids_of(shown):
    return [candidate["candidate_id"] for candidate in shown["candidates"]]


def code_of(answer):
    return answer.status_code, answer.json["error"]["code"]


def test_a_pick_sends_the_candidate_as_it_stands(desk):
    opened, shown = desk.open_ready()
    answer = desk.pick(shown, 2, dwell_ms=4200, reasons=["tone"], occurred_at="2026-11-22T08:59:58Z")
    assert answer.status_code == 201
    message = desk.row(Message, id=answer.json["message_id"])
    assert (message.text, message.origin, message.candidate_id) == ("Base two.", "verbatim", ids_of(shown)[2])
    assert message.turn_id == opened["turn_id"]
    assert (message.released_at, message.release_no) == (None, None)  # held back for its undo window
    row = desk.row(Judgement)
    assert (row.id, row.kind, row.closes_attempt, row.agent) == (
        answer.json["judgement_id"],
        "pick",
        1,
        desk.users["ann"],
    )
    assert (row.dwell_ms, row.reasons, row.occurred_at.second, row.unblinded) == (4200, ["tone"], 58, False)
    assert (desk.row(Turn).state, desk.row(SuggestionSet).state) == ("answered", "judged")
    assert desk.row(SuggestionSet).judged_at == desk.clock.now()


def test_an_edit_sends_the_edited_text(desk):
    _, shown = desk.open_ready()
    answer = desk.judge(shown, "edit", candidate_id=ids_of(shown)[1], text="Tuned one, really.")
    message = desk.row(Message, id=answer.json["message_id"])
    assert (message.text, message.origin, message.candidate_id) == (
        "Tuned one, really.",
        "edited",
        ids_of(shown)[1],
    )
    assert desk.row(Judgement).text == "Tuned one, really."


def test_a_tie_sends_the_one_that_is_named(desk):
    _, shown = desk.open_ready()
    first, second, *_ = ids_of(shown)
    answer = desk.judge(shown, "tie", candidate_id=second, candidate_ids=[first, second])
    assert desk.row(Message, id=answer.json["message_id"]).text == "Tuned one."
    assert desk.row(Judgement).candidate_ids == [first, second]


def test_none_leaves_the_set_open_for_an_own_text(desk):
    _, shown = desk.open_ready()
    none = desk.judge(shown, "none")
    assert (none.status_code, none.json["message_id"]) == (201, None)
    assert desk.row(Turn).state == "waiting"
    own = desk.judge(shown, "own", text="By hand.")
    assert own.status_code == 201
    assert [row.kind for row in sorted(desk.rows(Judgement), key=lambda row: row.kind)] == ["none", "own"]
    assert desk.row(SuggestionSet).state == "judged"


def test_skip_gives_the_turn_back_to_the_queue(desk):
    opened, shown = desk.open_ready()
    desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ann")
    assert code_of(desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ben")) == (409, "turn_claimed")
    assert desk.judge(shown, "skip", "ann").json["message_id"] is None
    assert desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ben").status_code == 200
    assert desk.row(Turn).state == "waiting"


@pytest.mark.parametrize("state", ["preparing", "failed"])
def test_an_own_text_on_a_set_that_was_never_shown_bypasses_it(desk, state):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"], state=state)
    answer = desk.judge({"set_id": set_id}, "own", text="By hand.")
    assert answer.status_code == 201
    row = desk.row(SuggestionSet)
    assert (row.state, row.judged_at, desk.row(Turn).state) == ("bypassed", None, "answered")


def test_an_own_text_before_the_reveal_bypasses_even_a_ready_set(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"])
    assert desk.judge({"set_id": set_id}, "own", text="By hand.").status_code == 201
    assert desk.row(SuggestionSet).state == "bypassed"
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert (shown["candidates"], desk.row(SuggestionSet).revealed_at) == ([], None)


def test_the_second_closing_judgement_loses(desk):
    _, shown = desk.open_ready()
    assert desk.pick(shown, 0, "ann").status_code == 201
    assert code_of(desk.pick(shown, 1, "ben")) == (409, "already_judged")
    assert len(desk.rows(Judgement)) == 1 and len(desk.rows(Message, role="agent")) == 1


def test_of_agents_who_judge_at_the_same_moment_one_wins(desk):
    _, shown = desk.open_ready()
    answers, start = [], threading.Barrier(6)

    def judge(index):
        start.wait(30)
        answers.append(desk.pick(shown, index % 4, "app", agent=f"agent-{index}"))

    threads = [threading.Thread(target=judge, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert len(desk.rows(Message, role="agent")) == len(desk.rows(Judgement)) == 1


def test_a_judgement_on_a_superseded_turn_is_told_so(desk):
    opened, shown = desk.open_ready()
    desk.say(opened, "customer", "One more thing")
    assert code_of(desk.pick(shown)) == (409, "turn_superseded")
    assert code_of(desk.judge(shown, "own", text="Too late")) == (409, "turn_superseded")


def test_a_candidate_of_another_set_is_refused(desk):
    _, mine = desk.open_ready()
    _, other = desk.open_ready()
    wrong = ids_of(other)[0]
    assert code_of(desk.judge(mine, "pick", candidate_id=wrong)) == (422, "candidate_not_in_set")
    tie = desk.judge(mine, "tie", candidate_id=ids_of(mine)[0], candidate_ids=[ids_of(mine)[0], wrong])
    assert code_of(tie) == (422, "candidate_not_in_set")
    assert desk.rows(Judgement) == []


def test_an_unavailable_candidate_is_refused(desk):
    states = ("ready", "unavailable", "merged", "ready")
    _, shown = desk.open_ready(texts=("Base one.", None, "Base one.", "Tuned two."), states=states)
    assert [(c["state"], c["text"]) for c in shown["candidates"]] == [
        ("ready", "Base one."),
        ("unavailable", None),
        ("merged", None),
        ("ready", "Tuned two."),
    ]
    for index in (1, 2):
        assert code_of(desk.pick(shown, index)) == (422, "candidate_unavailable")


def test_nobody_picks_from_a_set_that_was_not_shown(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"])
    assert code_of(desk.judge({"set_id": set_id}, "none")) == (409, "set_not_shown")


def test_a_turn_that_a_colleague_holds_is_not_judged(desk):
    opened, shown = desk.open_ready()
    desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ben")
    assert code_of(desk.pick(shown, 0, "ann")) == (409, "turn_claimed")
    desk.clock.advance(10 * 60)
    assert desk.pick(shown, 0, "ann").status_code == 201


A, B = "a" * 32, "b" * 32


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "pick"}, "candidate_id: pick needs it"),
        ({"kind": "pick", "candidate_id": A, "text": "x"}, "text: pick takes none"),
        ({"kind": "edit", "candidate_id": A}, "text: edit needs it"),
        ({"kind": "own"}, "text: own needs it"),
        ({"kind": "own", "text": "x", "candidate_id": A}, "candidate_id: own takes none"),
        ({"kind": "tie", "candidate_id": A, "candidate_ids": [A]}, "tie needs at least two different ones"),
        (
            {"kind": "tie", "candidate_id": A, "candidate_ids": [A, A]},
            "tie needs at least two different ones",
        ),
        ({"kind": "tie", "candidate_id": A, "candidate_ids": [B, B[:-1]]}, "must be among them"),
        ({"kind": "none", "text": "x"}, "text: none takes none"),
        ({"kind": "skip", "candidate_ids": [A, B]}, "candidate_ids: skip takes none"),
        ({"kind": "best", "candidate_id": A}, "kind: Input should be"),
        ({"kind": "pick", "candidate_id": 7}, "candidate_id: Input should be a valid string"),
        ({"kind": "skip", "dwell_ms": -1}, "dwell_ms"),
        ({"kind": "skip", "dwell_ms": 1.5}, "dwell_ms"),
        ({"kind": "skip", "occurred_at": "yesterday"}, "occurred_at"),
        ({"kind": "skip", "occurred_at": "2026-11-22T09:00:00"}, "occurred_at"),
        ({"kind": "skip", "reasons": ["x"] * 11}, "reasons"),
        ({"kind": "skip", "arm": "base"}, "arm: Extra inputs are not permitted"),
    ],
)
def test_fields_that_do_not_fit_the_kind_are_named(sqlite_desk, body, said):
    _, shown = sqlite_desk.open_ready()
    answer = sqlite_desk.post(f"/v1/sets/{shown['set_id']}/judgements", "agent", **body)
    assert code_of(answer) == (422, "body_invalid")
    assert said in answer.json["error"]["message"]


def test_an_unknown_set_is_not_found(sqlite_desk):
    assert code_of(sqlite_desk.judge({"set_id": "unknown"}, "skip")) == (404, "set_not_found")


# Undo


def undo(desk, answer, role="agent", **body):
    return desk.post(f"/v1/judgements/{answer.json['judgement_id']}/undo", role, **body)


def test_undo_within_the_window_retracts_the_message_and_opens_the_same_set_again(desk):
    opened, shown = desk.open_ready()
    picked = desk.pick(shown)
    desk.clock.advance(4)
    undone = undo(desk, picked)
    assert (undone.status_code, undone.json["message"]) == (201, "retracted")
    desk.clock.advance(60)
    assert [m["text"] for m in desk.messages(opened)] == ["Where is my order 1042?"]
    turn, row = desk.row(Turn), desk.row(SuggestionSet)
    assert (turn.state, turn.attempt, row.state, row.attempt, row.judged_at) == (
        "waiting",
        2,
        "ready",
        2,
        None,
    )
    again = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert again == shown
    assert desk.pick(again, 1).status_code == 201
    assert sorted(row.closes_attempt for row in desk.rows(Judgement, kind="pick")) == [1, 2]
    desk.clock.advance(5)
    assert [m["text"] for m in desk.messages(opened)][1:] == [TEXTS[1]]


def test_a_reply_by_hand_on_a_failed_set_is_taken_back_like_any_other(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"], state="failed")
    by_hand = desk.judge({"set_id": set_id}, "own", text="By hand.")
    undone = undo(desk, by_hand)
    assert (undone.status_code, undone.json["message"]) == (201, "retracted")
    assert desk.row(Message, id=by_hand.json["message_id"]).retracted_at == desk.clock.now()
    turn, row = desk.row(Turn), desk.row(SuggestionSet)
    assert (turn.state, turn.attempt, row.state, row.attempt) == ("waiting", 2, "failed", 2)
    again = desk.judge({"set_id": set_id}, "own", text="Better by hand.")
    assert (again.status_code, desk.row(SuggestionSet).state) == (201, "bypassed")


def test_undo_after_the_release_leaves_the_message_and_withdraws_the_choice(desk):
    opened, shown = desk.open_ready()
    picked = desk.pick(shown)
    desk.clock.advance(5)
    undone = undo(desk, picked)
    assert (undone.status_code, undone.json["message"]) == (201, "sent")
    assert len(desk.messages(opened)) == 2
    assert (desk.row(Turn).state, desk.row(SuggestionSet).state) == ("answered", "judged")
    row = desk.row(Judgement, kind="undo")
    assert (row.id, row.undoes, row.closes_attempt) == (
        undone.json["undo_id"],
        picked.json["judgement_id"],
        None,
    )


def test_undoing_twice_is_refused(desk):
    _, shown = desk.open_ready()
    picked = desk.pick(shown)
    first = undo(desk, picked)
    assert code_of(undo(desk, picked)) == (409, "already_undone")
    again = desk.post(f"/v1/judgements/{first.json['undo_id']}/undo", "agent")
    assert code_of(again) == (409, "undo_not_undoable")


def test_none_and_skip_can_be_undone_too(desk):
    _, shown = desk.open_ready()
    undone = undo(desk, desk.judge(shown, "none"))
    assert (undone.status_code, undone.json["message"]) == (201, None)


def test_an_agent_undoes_their_own_judgements_alone(desk):
    _, shown = desk.open_ready()
    picked = desk.pick(shown, 0, "ann")
    assert code_of(undo(desk, picked, "ben")) == (403, "not_permitted")
    assert undo(desk, picked, "admin").status_code == 201
    assert code_of(desk.post("/v1/judgements/unknown/undo", "ann")) == (404, "judgement_not_found")


def test_after_an_undo_the_newer_turn_stands_if_the_customer_wrote_meanwhile(desk):
    opened, shown = desk.open_ready()
    picked = desk.pick(shown)
    newer = desk.say(opened, "customer", "Hello?").json["turn_id"]
    assert undo(desk, picked).json["message"] == "retracted"
    assert {row.id: row.state for row in desk.rows(Turn)} == {
        opened["turn_id"]: "superseded",
        newer: "waiting",
    }
    assert desk.row(SuggestionSet).state == "superseded"


def test_undoing_a_text_that_bypassed_a_set_gives_the_set_back(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"])
    undone = undo(desk, desk.judge({"set_id": set_id}, "own", text="By hand."))
    assert undone.json["message"] == "retracted"
    assert desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json["state"] == "ready"


# Blindness


def test_an_agent_receives_the_same_bytes_whichever_arm_a_text_came_from(desk):
    seen = []
    for arms in (("base", "tuned", "base", "tuned"), ("tuned", "base", "tuned", "base")):
        opened = desk.open()
        put_set(desk.engine, opened["turn_id"], arms=arms)
        answer = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions?wait=0", "agent")
        text = answer.text
        for id in (answer.json["set_id"], *ids_of(answer.json)):
            text = text.replace(id, "ID")
        kept = {name: value for name, value in answer.headers.items() if name != "Date"}
        seen.append((text, kept, desk.pick(answer.json).status_code))
    assert seen[0] == seen[1]
    assert "tuned" not in seen[0][0].replace("Tuned", "") and "arm" not in seen[0][0]


def test_the_reveal_is_noted_once(desk):
    opened, _ = desk.open_ready()
    first = desk.row(SuggestionSet).revealed_at
    desk.clock.advance(3)
    desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent")
    assert desk.row(SuggestionSet).revealed_at == first


def test_a_set_without_a_usable_reply_says_which_setting_to_change(desk):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"], state="failed")
    with unit_of_work(desk.engine) as session:
        row = session.get_one(SuggestionSet, set_id)
        row.error, row.sampling = "cut_off", {"max_tokens": 48}
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert shown["failure"] == {"reason": "cut_off", "setting": "max_tokens", "value": "48", "until": None}


@pytest.mark.parametrize("state", ["preparing", "failed"])
def test_nothing_of_a_set_is_shown_unless_it_is_ready(desk, state):
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"], state=state)
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert shown == {"set_id": set_id, "state": state, "candidates": [], "left_out": 0, "failure": None}
    assert desk.row(SuggestionSet).revealed_at is None


def test_experts_see_the_arms_of_judged_sets_and_are_unblinded_from_then_on(desk):
    _, shown = desk.open_ready()
    path = f"/v1/sets/{shown['set_id']}"
    assert code_of(desk.get(path, "agent")) == (403, "not_permitted")
    assert code_of(desk.get(path, "app")) == (403, "not_permitted")
    assert code_of(desk.get(path, "expert")) == (409, "set_not_judged")
    picked = desk.pick(shown, 0, "expert")
    origin = desk.get(path, "expert")
    assert [c["arm"] for c in origin.json["candidates"]] == ["base", "tuned", "base", "tuned"]
    assert desk.get(path, "expert").status_code == 200
    assert desk.row(Unblinding).agent == desk.users["eva"]
    undo(desk, picked, "expert")
    assert code_of(desk.get(path, "admin")) == (409, "set_not_judged")
    desk.pick(shown, 1, "expert")
    assert sorted(row.unblinded for row in desk.rows(Judgement, kind="pick")) == [False, True]
