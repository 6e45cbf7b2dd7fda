"""Labelling over HTTP: claim, read, label, pass, draft, take back; and every refusal by its code."""

from datetime import timedelta

import pytest

from feedback.labelling.claim import TERM
from feedback.store.engine import unit_of_work
from feedback.store.tables import Assignment, Event, Item, Label, Reliability, Task
from tests.databases import START
from tests.feedback.labelling.tasks import ASKED, add_people, add_task, say, take

A = {"side": "a"}


def refuse(answer, status, code):
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    return answer.json["error"]


def test_an_item_is_claimed_read_and_labelled(desk):
    task, items = add_task(desk.engine, items=2)
    item_id = take(desk, task, "ann")
    assert item_id == items[0].id
    shown = desk.get(f"/v1/items/{item_id}", "ann").json
    assert shown.pop("order") in (["a", "b"], ["b", "a"])
    assert shown == {
        "id": item_id,
        "task_id": task.id,
        "kind": "compare",
        "question": {"text": ""},
        "guideline": "",
        "guideline_version": 1,
        "shown": {"messages": ASKED, "a": "It is on its way.", "b": "No idea."},
        "lease_until": shown["lease_until"],
        "draft": None,
        "others": None,
    }
    told = say(desk, item_id, "ann", A, reasons=["polite"], dwell_ms=1200)
    assert told["late"] is False and told["progress"] == {"done": 1, "left": 1}
    row = desk.row(Label)
    assert (row.id, row.labeller, row.role) == (told["label_id"], desk.users["ann"], "agent")
    assert (row.value, row.text, row.reasons, row.dwell_ms) == (A, None, ["polite"], 1200)
    assert (row.slot, row.attempt, row.guideline_version, row.seen, row.undoes) == (1, 1, 1, "blind", None)
    assert take(desk, task, "ann") == items[1].id
    assert desk.post(f"/v1/tasks/{task.id}/next", "ben").json["left"] == 2


def test_a_labeller_keeps_their_claim_until_they_label_or_pass(desk):
    task, items = add_task(desk.engine)
    assert take(desk, task, "ann") == take(desk, task, "ann") == items[0].id
    assert desk.post(f"/v1/items/{items[0].id}/pass", "ann").json == {"done": 0, "left": 2}
    assert take(desk, task, "ann") == items[1].id
    refuse(desk.get(f"/v1/items/{items[0].id}", "ann"), 404, "item_not_found")


def test_at_most_the_asked_overlap_holds_an_item_and_then_one_after_the_other(desk):
    people = add_people(desk, "cy", "dee")
    task, items = add_task(desk.engine, items=1)
    assert [take(desk, task, who) for who in ("ann", "ben", *people)] == [
        items[0].id,
        items[0].id,
        None,
        None,
    ]
    assert sorted(row.slot for row in desk.rows(Assignment)) == [1, 2]


def test_a_claim_that_lapsed_frees_its_place_and_its_label_comes_late(desk):
    add_people(desk, "cy")
    task, items = add_task(desk.engine, items=1, overlap_max=2)
    assert take(desk, task, "ann") == take(desk, task, "ben") == items[0].id
    desk.clock.advance(TERM.total_seconds() + 1)
    assert take(desk, task, "cy") == items[0].id
    assert desk.put(f"/v1/items/{items[0].id}/draft", "ben", value=A).json["lease_until"] is not None
    assert say(desk, items[0].id, "cy", A)["late"] is False
    assert say(desk, items[0].id, "ann", A)["late"] is True
    assert say(desk, items[0].id, "ben", A)["late"] is False
    assert sorted((row.slot or 0) for row in desk.rows(Label)) == [0, 1, 2]


def test_a_claim_that_nobody_took_is_still_its_labellers(desk):
    task, items = add_task(desk.engine, items=1)
    take(desk, task, "ann")
    desk.clock.advance(TERM.total_seconds() * 3)
    assert say(desk, items[0].id, "ann", A)["late"] is False


def test_a_draft_prolongs_the_claim_and_comes_back(desk):
    task, items = add_task(desk.engine, "rewrite", items=1, overlap_min=1, overlap_max=1)
    take(desk, task, "ann")
    desk.clock.advance(TERM.total_seconds() - 60)
    kept = desk.put(f"/v1/items/{items[0].id}/draft", "ann", value={"unchanged": False}, text="It le")
    assert kept.status_code == 200
    desk.clock.advance(TERM.total_seconds() - 60)
    assert take(desk, task, "ben") is None
    shown = desk.get(f"/v1/items/{items[0].id}", "ann").json
    assert shown["draft"] == {"value": {"unchanged": False}, "text": "It le"}
    say(desk, items[0].id, "ann", {"unchanged": False}, text="It left today.")
    assert desk.row(Assignment).draft is None
    refuse(desk.put(f"/v1/items/{items[0].id}/draft", "ann", text="more"), 409, "item_labelled")


def test_who_only_reads_keeps_the_item_and_what_was_drafted(desk):
    task, items = add_task(desk.engine, items=1, overlap_min=1, overlap_max=1)
    path = f"/v1/items/{items[0].id}/draft"
    take(desk, task, "ann")
    for _ in range(3):
        desk.clock.advance(TERM.total_seconds() - 60)
        assert desk.put(path, "ann").status_code == 200
        assert desk.row(Assignment).draft is None
    assert take(desk, task, "ben") is None
    desk.put(path, "ann", value=A)
    desk.put(path, "ann")
    assert desk.row(Assignment).draft == {"value": A, "text": None}
    desk.put(path, "ann", value=None)
    assert desk.row(Assignment).draft == {"value": None, "text": None}
    desk.clock.advance(TERM.total_seconds() + 1)
    assert take(desk, task, "ben") == items[0].id


def test_a_label_is_taken_back_and_said_anew(desk):
    task, items = add_task(desk.engine)
    item_id = take(desk, task, "ann")
    first = say(desk, item_id, "ann", A)
    assert take(desk, task, "ann") == items[1].id
    undone = desk.post(f"/v1/labels/{first['label_id']}/undo", "ann")
    assert undone.status_code == 201
    assert undone.json["item_id"] == item_id and undone.json["progress"] == {"done": 0, "left": 3}
    assert take(desk, task, "ann") == item_id
    assert desk.get(f"/v1/items/{item_id}", "ann").json["draft"] == {"value": A, "text": None}
    second = say(desk, item_id, "ann", {"side": "tie"})
    rows = {row.id: row for row in desk.rows(Label)}
    assert (rows[second["label_id"]].attempt, rows[second["label_id"]].slot) == (2, 1)
    assert rows[undone.json["undo_id"]].undoes == first["label_id"]
    refuse(desk.post(f"/v1/labels/{first['label_id']}/undo", "ann"), 409, "label_undone")
    refuse(desk.post(f"/v1/labels/{undone.json['undo_id']}/undo", "ann"), 409, "label_undone")


def test_nobody_takes_back_the_label_of_another(desk):
    task, _ = add_task(desk.engine)
    label_id = say(desk, take(desk, task, "ann"), "ann", A)["label_id"]
    refuse(desk.post(f"/v1/labels/{label_id}/undo", "ben"), 404, "label_not_found")
    refuse(desk.post(f"/v1/labels/{label_id}/undo", "admin"), 404, "label_not_found")


def test_the_same_event_twice_is_one_label_and_one_claim(desk):
    task, _ = add_task(desk.engine)
    event = "5f0d7d52-2f7a-4a3a-9a54-0a5c0c1c6b11"
    claims = [desk.post(f"/v1/tasks/{task.id}/next", "ann", event_id=event).json for _ in range(2)]
    item_id = claims[0]["item_id"]
    assert claims[0] == claims[1] and len(desk.rows(Assignment)) == 1
    other = event.replace("5f", "6f")
    path = f"/v1/items/{item_id}/labels"
    said = [desk.post(path, "ann", event_id=other, value=A) for _ in range(2)]
    assert said[0].status_code == said[1].status_code == 201 and said[0].json == said[1].json
    assert len(desk.rows(Label)) == 1
    refuse(desk.post(path, "ann", event_id=other, value={"side": "b"}), 409, "event_conflict")
    refuse(desk.post(path, "ann", value={"side": "b"}), 409, "item_labelled")


@pytest.mark.parametrize("state", ["draft", "paused", "closed"])
def test_only_an_open_task_hands_out_items_and_takes_labels(desk, state):
    task, _ = add_task(desk.engine)
    item_id = take(desk, task, "ann")
    label_id = say(desk, item_id, "ann", A)["label_id"]
    held = take(desk, task, "ann")
    with unit_of_work(desk.engine) as session:
        session.get_one(Task, task.id).state = state
    for path, body in [
        (f"/v1/tasks/{task.id}/next", {}),
        (f"/v1/items/{held}/labels", {"value": A}),
        (f"/v1/items/{held}/pass", {}),
        (f"/v1/labels/{label_id}/undo", {}),
    ]:
        refuse(desk.post(path, "ann", **body), 409, f"task_{state}")
    refuse(desk.put(f"/v1/items/{held}/draft", "ann", value=A), 409, f"task_{state}")
    assert len(desk.rows(Label)) == 1


def test_a_task_is_for_its_tier_and_for_whom_it_is_assigned_to(desk):
    for_experts, _ = add_task(desk.engine, tier=2)
    for_ben, _ = add_task(desk.engine, assigned=[desk.users["ben"]])
    refuse(desk.post(f"/v1/tasks/{for_experts.id}/next", "ann"), 403, "not_your_tier")
    refuse(desk.post(f"/v1/tasks/{for_ben.id}/next", "ann"), 403, "not_assigned")
    refuse(desk.post(f"/v1/tasks/{for_ben.id}/next", "admin"), 403, "not_assigned")
    assert take(desk, for_experts, "eva") and take(desk, for_ben, "ben")
    assert {row["id"] for row in desk.get("/v1/tasks", "ann").json["tasks"]} == set()
    assert {row["id"] for row in desk.get("/v1/tasks", "ben").json["tasks"]} == {for_ben.id}
    assert len(desk.get("/v1/tasks", "eva").json["tasks"]) == 2


def test_items_of_a_higher_tier_are_for_experts(desk):
    task, items = add_task(desk.engine, items=2)
    with unit_of_work(desk.engine) as session:
        row = session.get_one(Item, items[0].id)
        row.tier, row.state = 2, "disputed"
    assert take(desk, task, "ann") == items[1].id
    assert take(desk, task, "eva") == take(desk, task, "admin") == items[0].id
    say(desk, items[0].id, "eva", A)
    assert [row.slot for row in desk.rows(Label)] == [None]


def test_who_is_paused_in_a_kind_gets_no_item_of_it(desk):
    task, _ = add_task(desk.engine)
    with unit_of_work(desk.engine) as session:
        found = {"accuracy": 0.5, "low": 0.4, "high": 0.6, "computed_at": START, "paused_at": START}
        session.add(Reliability(desk_id="default", kind="compare", labeller=desk.users["ann"], **found))
    refuse(desk.post(f"/v1/tasks/{task.id}/next", "ann"), 409, "labeller_paused")
    assert take(desk, task, "ben")


def test_a_value_or_text_that_is_no_answer_is_refused_by_name(desk):
    task, _ = add_task(desk.engine, "rewrite")
    item_id = take(desk, task, "ann")
    path = f"/v1/items/{item_id}/labels"
    assert "value.unchanged" in refuse(desk.post(path, "ann", value={}), 422, "value_unknown")["message"]
    long = {"value": {"unchanged": False}, "text": "x" * 20_001}
    refuse(desk.post(path, "ann", **long), 422, "text_too_long")
    refuse(desk.post(path, "ben", value={"unchanged": True}), 404, "item_not_found")
    assert desk.rows(Label) == []


def test_a_dropped_item_is_handed_out_no_more_and_takes_no_label(desk):
    task, items = add_task(desk.engine)
    item_id = take(desk, task, "ann")
    with unit_of_work(desk.engine) as session:
        row = session.get_one(Item, item_id)
        row.state, row.reason = "dropped", "erased"
    refuse(desk.post(f"/v1/items/{item_id}/labels", "ann", value=A), 409, "item_dropped")
    refuse(desk.get(f"/v1/items/{item_id}", "ann"), 404, "item_not_found")
    assert take(desk, task, "ann") == items[1].id


def test_a_task_is_drafted_opened_and_closed_by_an_expert(desk):
    body = {"name": "Which is better", "kind": "compare", "guideline": "Be fair."}
    made = desk.post("/v1/tasks", "eva", **body)
    assert made.status_code == 201 and made.json["state"] == "draft"
    task_id = made.json["task_id"]
    path = f"/v1/tasks/{task_id}/state"
    refuse(desk.post(path, "eva", state="paused"), 409, "task_draft")
    for state in ("open", "open", "paused", "open", "closed", "closed"):
        assert desk.post(path, "eva", state=state, reason="ready").json == {
            "task_id": task_id,
            "state": state,
        }
    for state in ("open", "paused"):
        refuse(desk.post(path, "eva", state=state), 409, "task_closed")
    refuse(desk.post(f"/v1/tasks/{task_id}/guideline", "eva", guideline="x"), 409, "task_closed")
    row = desk.row(Task)
    assert (row.state, row.opened_at, row.closed_at, row.closed_by) == ("closed", START, START, "eva")


def test_another_guideline_has_the_next_version_and_labels_name_it(desk):
    task, _ = add_task(desk.engine)
    path = f"/v1/tasks/{task.id}/guideline"
    assert desk.post(path, "eva", guideline="Be fair.").json == {"guideline_version": 2}
    assert desk.post(path, "eva", guideline="Be fair.").json == {"guideline_version": 2}
    item_id = take(desk, task, "ann")
    assert desk.get(f"/v1/items/{item_id}", "ann").json["guideline"] == "Be fair."
    say(desk, item_id, "ann", A)
    assert desk.row(Label).guideline_version == 2


def test_a_task_of_tags_offers_a_part_of_the_tree(desk):
    for path in ("billing/refund", "billing/invoice", "shipping"):
        assert desk.post("/v1/tags", "eva", tag=path).status_code == 201
    tags = {tag["path"]: tag["tag_id"] for tag in desk.get("/v1/tags", "eva").json["tags"]}
    for path in ("billing", "shipping"):
        title = {"en": path.title(), "zh": "账单"}
        assert desk.post(f"/v1/tags/{tags[path]}/describe", "eva", title=title).status_code == 201
    body = {"name": "What about", "kind": "tag"}
    desk.post("/v1/tasks", "eva", **body, question={"tags": ["billing"]})
    assert desk.row(Task).question == {
        "text": "",
        "tags": ["billing"],
        "options": ["billing", "billing/invoice", "billing/refund"],
        "titles": {"billing": {"en": "Billing", "zh": "账单"}},
    }
    wrong = desk.post("/v1/tasks", "eva", **body, question={"tags": ["nothing"]})
    assert "question.tags is 'nothing'" in refuse(wrong, 422, "value_unknown")["message"]
    other = desk.post("/v1/tasks", "eva", name="x", kind="rate", question={"tags": ["billing"]})
    refuse(other, 422, "value_unknown")
    refuse(desk.post("/v1/tasks", "eva", name="x", kind="rate", overlap_max=1), 422, "value_unknown")


def test_an_expert_sees_progress_and_a_labeller_what_is_left_for_them(desk):
    task, _ = add_task(desk.engine)
    say(desk, take(desk, task, "ann"), "ann", A)
    own = desk.get(f"/v1/tasks/{task.id}", "ann").json
    assert (own["done"], own["waiting"], own["progress"], own["created_by"]) == (1, 2, None, None)
    seen = desk.get("/v1/tasks", "eva").json["tasks"][0]
    counts = {"items": 3, "waiting": 0, "open": 3, "settled": 0, "disputed": 0, "dropped": 0, "labels": 1}
    assert seen["progress"] == counts and (seen["done"], seen["waiting"]) == (0, 3)


def test_answers_that_events_keep_hold_no_text(desk):
    task, _ = add_task(desk.engine, "rewrite")
    item_id = take(desk, task, "ann")
    say(desk, item_id, "ann", {"unchanged": False}, text="Call Maria on 555.")
    assert "Maria" not in str([row.answer for row in desk.rows(Event)])


def test_a_lease_ends_a_term_after_the_claim(desk):
    task, _ = add_task(desk.engine)
    take(desk, task, "ann")
    assert desk.row(Assignment).lease_until == START + timedelta(minutes=15)
