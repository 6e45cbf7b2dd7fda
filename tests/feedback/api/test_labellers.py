"""Calls about labellers, the quality of a task, its disputes, and the feed of labels."""

from datetime import timedelta

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Assignment, DefinitionChange, Item, Label, Reliability
from tests.databases import START
from tests.feedback.desk import Desk
from tests.feedback.labelling.label_rows import add_item, add_label, add_labelled, add_task, add_undo
from tests.feedback.labelling.tasks import add_people, say, take
from tests.feedback.labelling.tasks import add_task as put_task


@pytest.fixture
def task_id(desk: Desk) -> str:
    """Two settled items and a disputed one, by ann and ben, and by an app of an odd name."""
    with unit_of_work(desk.engine) as session:
        task = add_task(session)
        add_labelled(session, task, "aa", "ab")
        item = add_item(session, task, 3, state="disputed", tier=2)
        for labeller, side in (("ann", "a"), ("ben", "b"), ("app:night shift", "b")):
            add_label(session, item, labeller, side)
        return task.id


def test_the_quality_of_a_task_is_one_answer(desk: Desk, task_id: str) -> None:
    told = desk.get(f"/v1/tasks/{task_id}/quality", "expert").json

    assert told["tiers"] == [
        {"tier": 1, "open": 0, "settled": 2, "disputed": 0},
        {"tier": 2, "open": 0, "settled": 0, "disputed": 1},
    ]
    assert (told["labels"], told["labels_an_item"], told["labels_left"]) == (7, 2.0, 1)
    assert told["agreement"]["confusion"] == {"one": "a", "other": "b", "count": 3, "differences": 3}
    # Of aa, ab, abb: 3 of 7 are b. Observed 2 / 1 + 4 / 2 = 4, expected 2 * 4 * 3.
    assert told["agreement"]["alpha"] == pytest.approx(1 - 6 * 4 / 24)
    assert [version["labels"] for version in told["versions"]] == [7]
    assert desk.get(f"/v1/tasks/{task_id}/quality", "agent").status_code == 403


def test_a_labeller_is_paused_and_resumed_with_a_reason(desk: Desk, task_id: str) -> None:
    path = "/v1/labellers/app:night%20shift"
    assert desk.post(f"{path}/pause", "agent", reason="tired").status_code == 403
    assert desk.post(f"{path}/pause", "expert").status_code == 422

    assert desk.post(f"{path}/pause", "expert", reason="guesses", kind="compare").status_code == 200
    row = desk.row(Reliability)
    assert (row.labeller, row.kind, row.paused_by, row.pause_reason) == (
        *("app:night shift", "compare", "eva", "guesses"),
    )
    assert row.paused_at == desk.clock.now()
    # Nothing is known of them: the mean and the 95 % interval of Beta(4, 1), which is x to the fourth.
    assert (row.accuracy, row.low, row.high) == pytest.approx((0.8, 0.025**0.25, 0.975**0.25))

    desk.clock.advance(60)
    assert desk.post(f"{path}/resume", "expert", reason="better now", kind="compare").status_code == 200
    row = desk.row(Reliability)
    assert (row.paused_at, row.paused_by, row.pause_reason) == (None, None, None)
    assert row.resumed_at == desk.clock.now()
    history = [(row.key, row.what["did"], row.reason) for row in desk.rows(DefinitionChange, kind="labeller")]
    assert history == [
        ("app:night shift", "pause", "guesses"),
        ("app:night shift", "resume", "better now"),
    ]


def test_somebody_who_was_never_given_an_item_is_no_labeller(desk: Desk, task_id: str) -> None:
    answer = desk.post("/v1/labellers/nobody/pause", "expert", reason="guesses")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "labeller_not_found")


def test_labels_are_left_out_and_taken_in_again(desk: Desk, task_id: str) -> None:
    quality = f"/v1/tasks/{task_id}/quality"
    before = desk.get(quality, "expert").json["agreement"]
    assert desk.post("/v1/labellers/ben/exclude", "expert", reason="guesses").status_code == 200
    without = desk.get(quality, "expert").json["agreement"]
    assert desk.post("/v1/labellers/ben/include", "expert", reason="my mistake").status_code == 200

    assert (before["labels"], without["labels"]) == (7, 2)
    assert desk.get(quality, "expert").json["agreement"] == before


def test_what_labels_that_are_left_out_had_settled_is_open_until_they_are_taken_in_again(desk: Desk) -> None:
    add_people(desk, "Li", "Mo", role="labeller")
    task, (item,) = put_task(desk.engine, items=1, overlap_max=3)
    for who in ("Li", "Mo"):
        assert take(desk, task, who) == item.id
        say(desk, item.id, who, {"side": "a"})
    # Of four answers, two labellers of whom nothing is known (80 %) make 144 to 3 of theirs.
    settled = desk.row(Item, id=item.id)
    assert (settled.state, settled.outcome) == ("settled", {"side": "a"})
    assert settled.confidence == pytest.approx(144 / 147)

    path = f"/v1/labellers/{desk.users['Mo']}"
    assert desk.post(f"{path}/exclude", "expert", reason="guesses").status_code == 200
    opened = desk.row(Item, id=item.id)
    assert (opened.state, opened.outcome, opened.confidence) == ("open", None, None)

    assert desk.post(f"{path}/include", "expert", reason="my mistake").status_code == 200
    again = desk.row(Item, id=item.id)
    assert (again.state, again.outcome, again.confidence) == ("settled", {"side": "a"}, settled.confidence)


def test_an_expert_settles_a_dispute_once(desk: Desk, task_id: str) -> None:
    item = desk.row(Item, state="disputed")
    path = f"/v1/items/{item.id}/adjudication"
    assert desk.post(path, "agent", value={"side": "b"}).status_code == 403
    assert desk.post(path, "expert", value={"side": "c"}).json["error"]["code"] == "value_unknown"

    answer = desk.post(path, "expert", value={"side": "b"})
    assert answer.status_code == 201, answer.text
    label, settled = desk.row(Label, id=answer.json["label_id"]), desk.row(Item, id=item.id)
    assert (label.seen, label.slot, label.value, label.role) == ("others", None, {"side": "b"}, "expert")
    assert (settled.state, settled.outcome, settled.settled_by) == (
        *("settled", {"side": "b"}, desk.users["eva"]),
    )
    assert desk.row(Assignment, item_id=item.id, labeller=desk.users["eva"]).state == "done"

    again = desk.post(path, "admin", value={"side": "a"})
    assert (again.status_code, again.json["error"]["code"]) == (409, "item_not_disputed")


def test_the_feed_tells_labels_in_order_and_what_took_them_back(desk: Desk) -> None:
    with unit_of_work(desk.engine) as session:
        task, other = add_task(session), add_task(session)
        items = [add_item(session, task, place) for place in (1, 2)]
        times = [START - timedelta(minutes=minutes) for minutes in (3, 2, 1)]
        first = add_label(session, items[0], "ann", "a", at=times[0])
        undo = add_undo(session, first, times[1])
        second = add_label(session, items[0], "ann", "b", at=times[2], attempt=2)
        young = add_label(session, items[1], "ann", "b", at=START - timedelta(seconds=9))
        third = add_label(session, add_item(session, other, 1), "ben", "tie", at=times[2])
        arms = add_task(session)
        add_label(session, add_item(session, arms, 1, subject_kind="prompt"), "ann", "a")
        same_time = sorted((second.id, third.id))

    def read(query: str = "") -> list[str]:
        answer = desk.get(f"/v1/labels{query}", "app")
        assert answer.status_code == 200, answer.text
        return [label["label_id"] for label in answer.json["labels"]]

    assert read() == [first.id, undo.id, *same_time]
    assert read(f"?after={undo.id}") == same_time
    assert read(f"?after={same_time[0]}") == same_time[1:]
    assert read("?limit=1") == [first.id]
    assert read(f"?task={task.id}") == [first.id, undo.id, second.id]
    told = desk.get("/v1/labels?limit=2", "expert").json["labels"]
    assert [(label["value"], label["undoes"]) for label in told] == [({"side": "a"}, None), (None, first.id)]
    assert desk.get("/v1/labels", "agent").status_code == 403

    desk.clock.advance(2)
    assert read(f"?after={same_time[1]}") == [young.id]
