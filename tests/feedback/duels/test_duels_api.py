"""A duel over HTTP: what judges get, what they may do, what nobody learns before it is closed."""

from collections import Counter
from uuid import uuid4

import pytest
from sqlmodel import select

from feedback.store import users
from feedback.store.desks import ensure_desk
from feedback.store.duel_verdicts import iterate_judged_rounds
from feedback.store.engine import read, unit_of_work
from feedback.store.polled_labels import list_polled
from feedback.store.tables import Duel, Item, Label
from feedback.web.services import EXTENSION
from tests.feedback.builders import DESK
from tests.feedback.desk import make_desk
from tests.feedback.duels.duel_desk import ADAPTER, STARTED, add_contender, add_prompt, list_items, put_duel


class Noted:
    """A drawer that only remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def enqueue(self, duel_id: str) -> None:
        self.asked.append(duel_id)


@pytest.fixture
def at_work(desk):
    desk.clock.advance((STARTED - desk.clock.now()).total_seconds() + 60)
    return desk


def judge(desk, duel_id, *sides, role="expert"):
    """What somebody says of the next rounds, one after the other; the answers."""
    task_id = desk.get(f"/v1/duels/{duel_id}", role).json["task_id"]
    return [label_next(desk, task_id, side, role) for side in sides]


def label_next(desk, task_id, side, role):
    item_id = desk.post(f"/v1/tasks/{task_id}/next", role).json["item_id"]
    return desk.post(f"/v1/items/{item_id}/labels", role, value={"side": side}, dwell_ms=4000)


def labels(desk):
    with read(desk.engine) as session:
        return list(session.exec(select(Label).order_by(Label.created_at)))


def test_a_duel_from_start_to_result(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path, states="rrerl", adapter_on="abaab")
    shown = at_work.get(f"/v1/duels/{duel_id}", "expert").json
    assert shown["rounds"] == {"waiting": 0, "ready": 3, "equal": 1, "left_out": 1}
    assert (shown["state"], shown["judged"], shown["result"]) == ("open", 0, None)
    first = at_work.post(f"/v1/tasks/{shown['task_id']}/next", "expert").json
    assert (first["done"], first["left"]) == (0, 3)
    item = at_work.get(f"/v1/items/{first['item_id']}", "expert").json
    assert set(item["shown"]) == {"messages", "a", "b"} and item["kind"] == "compare"
    assert (item["shown"]["a"], item["shown"]["b"]) == (
        "Left answer 1.",
        "Quite another right one, number 1.",
    )
    said = judge(at_work, duel_id, "a", "a", "a")  # the adapter's, the base's, the adapter's
    assert [answer.status_code for answer in said] == [201] * 3
    (also,) = judge(at_work, duel_id, "tie", role="admin")
    assert also.status_code == 201
    shown = at_work.get(f"/v1/duels/{duel_id}", "expert").json
    assert (shown["judged"], shown["judges"], shown["result"]) == (3, 2, None)
    closed = at_work.post(f"/v1/duels/{duel_id}/close", "expert")
    assert (closed.status_code, closed.json["state"]) == (200, "closed")
    result = at_work.get(f"/v1/duels/{duel_id}", "expert").json["result"]
    counts = {name: result[name] for name in ("won", "lost", "tied", "equal", "both_bad", "unjudged")}
    assert counts == {"won": 2, "lost": 1, "tied": 1, "equal": 1, "both_bad": 0, "unjudged": 0}
    assert (result["rate"], result["counted"], result["band"]) == (0.625, 4, "not_known")
    assert result["left_out"] == {"empty": 1}
    assert {one["judge"]: one["won"] for one in result["judges"]} == {
        at_work.users["eva"]: 2,
        at_work.users["ada"]: 0,
    }
    assert labels(at_work)[0].dwell_ms == 4000


def test_a_round_stays_open_however_many_agree_and_settles_nowhere(at_work, tmp_path):
    """Nothing tells anybody before the end that all who judged a round said the same."""
    duel_id, _ = put_duel(at_work.engine, tmp_path, states="r", adapter_on="a")
    before = list_items(at_work.engine, duel_id)[0].model_dump()
    for number in range(6):
        name = f"judge {number}"
        with unit_of_work(at_work.engine) as session:
            given = {"desk_id": "default", "name": name, "role": "expert", "now": at_work.clock.now()}
            at_work.tokens[name] = users.create_token(session, **given)
        judge(at_work, duel_id, "a", role=name)
    assert list_items(at_work.engine, duel_id)[0].model_dump() == before
    with read(at_work.engine) as session:
        assert list_polled(session, desk_id="default", kind="compare") == []  # makes nobody reliable
    at_work.post(f"/v1/duels/{duel_id}/close", "expert")
    assert at_work.get(f"/v1/duels/{duel_id}", "expert").json["judges"] == 6


def test_a_verdict_is_taken_back_and_given_anew(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    (said,) = judge(at_work, duel_id, "a")
    assert at_work.post(f"/v1/labels/{said.json['label_id']}/undo", "expert").status_code == 201
    assert at_work.get(f"/v1/duels/{duel_id}", "expert").json["judged"] == 0
    judge(at_work, duel_id, "both_bad")
    assert at_work.get(f"/v1/duels/{duel_id}", "expert").json["judged"] == 1
    assert [(row.value, row.attempt) for row in labels(at_work) if row.undoes is None] == [
        ({"side": "a"}, 1),
        ({"side": "both_bad"}, 2),
    ]


def test_agents_and_labellers_judge_no_duel(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    task_id = at_work.get(f"/v1/duels/{duel_id}", "expert").json["task_id"]
    answer = at_work.post(f"/v1/tasks/{task_id}/next", "agent")
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "not_your_tier")
    assert at_work.get("/v1/tasks", "agent").json["tasks"] == []


def test_a_closed_duel_takes_nothing_more(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    (said,) = judge(at_work, duel_id, "a")
    task_id = at_work.get(f"/v1/duels/{duel_id}", "expert").json["task_id"]
    mine = at_work.post(f"/v1/tasks/{task_id}/next", "expert").json["item_id"]
    at_work.post(f"/v1/duels/{duel_id}/close", "admin")
    for answer in (
        at_work.post(f"/v1/items/{mine}/labels", "expert", value={"side": "a"}),
        at_work.post(f"/v1/labels/{said.json['label_id']}/undo", "expert"),
        at_work.post(f"/v1/tasks/{task_id}/next", "expert"),
    ):
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "task_closed")
    again = at_work.post(f"/v1/duels/{duel_id}/close", "admin")
    assert (again.status_code, again.json["error"]["code"]) == (409, "duel_over")


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("state", {"state": "closed"}),
        ("guideline", {"guideline": "Prefer the short one."}),
        ("items", {"selection": {}, "limit": 5}),
    ],
)
def test_only_its_duel_closes_or_changes_its_task(at_work, tmp_path, call, body):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    task_id = at_work.get(f"/v1/duels/{duel_id}", "expert").json["task_id"]
    answer = at_work.post(f"/v1/tasks/{task_id}/{call}", "expert", **body)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "task_of_duel")
    assert len(judge(at_work, duel_id, "a")) == 1


def test_starting_a_duel_has_it_drawn(store_engine, tmp_path):
    noted = Noted()
    desk = make_desk(store_engine, tmp_path, duel_drawer=noted)
    desk.clock.advance(1_000_000)
    add_contender(store_engine, tmp_path)
    for n in range(3):
        add_prompt(store_engine, f"Question {n}?")
    event_id = str(uuid4())
    answers = [
        desk.post("/v1/duels", "expert", adapter=ADAPTER, wanted=3, event_id=event_id) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    duel_id = answers[0].json["duel_id"]
    assert answers[1].json == answers[0].json == {"duel_id": duel_id, "state": "drawing"}
    assert noted.asked == [duel_id]
    shown = desk.get(f"/v1/duels/{duel_id}", "expert").json
    assert (shown["state"], shown["wanted"], shown["rounds"]["waiting"]) == ("drawing", 3, 3)
    few = desk.post("/v1/duels", "expert", adapter=ADAPTER, wanted=4)
    assert (few.status_code, few.json["error"]["code"]) == (409, "too_few_prompts")
    unknown = desk.post("/v1/duels", "expert", adapter="tuned-19990101-1")
    assert (unknown.status_code, unknown.json["error"]["code"]) == (404, "adapter_not_found")
    early = desk.post(f"/v1/tasks/{shown['task_id']}/next", "expert")
    assert (early.status_code, early.json["error"]["code"]) == (409, "task_draft")
    (listed,) = desk.get("/v1/tasks", "expert").json["tasks"]
    assert (listed["state"], listed["progress"]["waiting"]) == ("draft", 3)


def test_no_answer_tells_a_side_or_a_score_before_the_end(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    judge(at_work, duel_id, "a", "b", "tie")
    items = [row.item_id for row in labels(at_work)]
    task_id = at_work.get(f"/v1/duels/{duel_id}", "expert").json["task_id"]
    for path in (*(f"/v1/items/{id}" for id in items), f"/console/duels/{duel_id}", f"/label/{task_id}"):
        answer = at_work.get(path, "expert")
        assert answer.status_code == 200
        for word in (ADAPTER, "seed", "arm", "won", "lost", "zero"):
            assert word not in answer.text.replace("warn", "")
    assert ADAPTER not in at_work.get(f"/v1/tasks/{task_id}", "expert").text
    for path in ("/v1/duels", f"/v1/duels/{duel_id}"):
        text = at_work.get(path, "admin").text
        assert '"result":null' in text.replace(" ", "")
        assert "a_adapter" not in text and "won" not in text


def test_the_page_of_a_closed_duel_has_the_figures(at_work, tmp_path):
    close_duel(at_work, tmp_path, "aaaaaaaaab")
    page = at_work.get("/console/duels", "expert").text
    assert "One duel" in page and "90 %" in page and "60 % – 98 %" in page and "a marked success" in page


def test_six_rounds_tell_nothing_yet_on_any_page(at_work, tmp_path):
    """2 : 3 : 1, as somebody read "it harmed" of."""
    duel_id = close_duel(at_work, tmp_path, ("a", "a", "b", "b", "b", "tie"))
    for path in (f"/console/duels/{duel_id}", "/console/duels"):
        page = at_work.get(path, "expert").text
        assert "42 %" in page and "not known yet" in page
        assert "harmed" not in page and ">worse<" not in page
    result = at_work.get(f"/v1/duels/{duel_id}", "expert").json["result"]
    assert (result["won"], result["lost"], result["tied"], result["band"]) == (2, 3, 1, "not_known")


def close_duel(at_work, folder, given) -> str:
    """A duel whose adapter stands left throughout, judged so and closed; its id."""
    duel_id, _ = put_duel(at_work.engine, folder, states="r" * len(given), adapter_on="a" * len(given))
    assert {answer.status_code for answer in judge(at_work, duel_id, *given)} == {201}
    at_work.post(f"/v1/duels/{duel_id}/close", "expert")
    return duel_id


def test_pages_of_every_state_can_be_seen(at_work, tmp_path):
    empty = at_work.get("/console/duels", "expert").text
    assert "No adapter to compare yet" in empty
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    for state, error, words in (
        ("drawing", "engine_unreachable", "the model server does not answer"),
        ("failed", "no_round", "no prompt gave two usable replies"),
        ("open", None, "Which reply is better?"),
        ("closed", None, "Nothing was decided"),
    ):
        with unit_of_work(at_work.engine) as session:
            duel = session.get_one(Duel, duel_id)
            duel.state, duel.error = state, error
        assert words in at_work.get(f"/console/duels/{duel_id}", "expert").text
        assert at_work.get(f"/console/duels/{duel_id}/live", "expert").status_code == 200


def test_another_desks_duel_is_not_found(at_work, tmp_path):
    duel_id, _ = put_duel(at_work.engine, tmp_path)
    with unit_of_work(at_work.engine) as session:
        ensure_desk(session, now=at_work.clock.now(), desk_id="other", name="Other")
        at_work.tokens["stranger"] = users.create_token(
            session, desk_id="other", name="x", role="admin", now=at_work.clock.now()
        )
    answers = [
        at_work.get(f"/v1/duels/{duel_id}", "stranger"),
        at_work.post(f"/v1/duels/{duel_id}/close", "stranger"),
        at_work.get(f"/console/duels/{duel_id}", "stranger"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert at_work.get("/v1/duels", "stranger").json["duels"] == []


def test_a_desk_without_a_drawer_keeps_what_is_started(at_work, tmp_path):
    assert at_work.app.extensions[EXTENSION].duel_drawer is None
    add_contender(at_work.engine, tmp_path)
    add_prompt(at_work.engine, "One?")
    assert at_work.post("/v1/duels", "expert", adapter=ADAPTER, wanted=1).status_code == 201
    with read(at_work.engine) as session:
        assert len(list(session.exec(select(Item)))) == 1


def test_what_a_judge_said_who_is_left_out_decides_and_teaches_nothing(at_work, tmp_path):
    """The adapter stands left throughout: eva prefers it in both rounds, ada the base."""
    duel_id, _ = put_duel(at_work.engine, tmp_path, states="rr", adapter_on="aa")
    judge(at_work, duel_id, "a", "a")
    judge(at_work, duel_id, "b", "b", role="admin")
    ada = at_work.users["ada"]
    exclude = {"reason": "Judged by another guideline.", "kind": "compare"}
    assert at_work.post(f"/v1/labellers/{ada}/exclude", "expert", **exclude).status_code == 200
    at_work.post(f"/v1/duels/{duel_id}/close", "expert")
    assert count(at_work, duel_id) == {"won": 2, "lost": 0, "tied": 0, "shared": 0}
    assert teach(at_work) == {at_work.users["eva"]: 2}
    at_work.post(f"/v1/labellers/{ada}/include", "expert", **exclude)
    assert count(at_work, duel_id) == {"won": 0, "lost": 0, "tied": 2, "shared": 2}
    assert teach(at_work) == {at_work.users["eva"]: 2, ada: 2}


def count(desk, duel_id):
    result = desk.get(f"/v1/duels/{duel_id}", "expert").json["result"]
    return {name: result[name] for name in ("won", "lost", "tied", "shared")}


def teach(desk):
    """How many verdicts of each judge would be trained on."""
    desk.clock.advance(1)
    told = iterate_judged_rounds(desk.engine, desk_id=DESK, since=None, until=desk.clock.now())
    return Counter(judged.agent for judged, _ in told)
