"""Expert scores end to end: drawn as a duel, rated one reply at a time, told once the round is closed."""

from sqlalchemy import Engine

from feedback.deployment.expert_score import find_low_score
from feedback.deployment.policy import ApprovalPolicy, Policy
from feedback.store.duel_verdicts import iterate_judged_rounds
from feedback.store.engine import read, unit_of_work
from feedback.store.scores import RATE
from feedback.store.tables import Item
from serving.client.fake import FakeEngine
from tests.feedback.builders import DESK
from tests.feedback.desk import make_desk
from tests.feedback.duels.duel_desk import ADAPTER, STARTED, add_contender, add_prompt, list_items, start
from tests.feedback.duels.test_duel_blindness import draw, number_ids

PROMPTS = 4


def begin(store: Engine, data_dir, *, prompts: int = PROMPTS, swapped: bool = False):
    """A round of scores whose replies are generated; texts hang on prompt and seed alone."""
    with FakeEngine() as engine:
        engine.neutral |= {ADAPTER}
        add_contender(store, data_dir, dataset_id=None)
        for n in range(prompts):
            add_prompt(store, f"Question {n}?", id=f"set-{n}")
        duel = start(store, data_dir, wanted=prompts, kind=RATE)
        if swapped:
            with unit_of_work(store) as session:
                for row in list_items(store, duel.id):
                    one = session.get_one(Item, row.id)
                    a, b = one.hidden["a_adapter"], one.hidden["b_adapter"]
                    one.hidden = one.hidden | {"a_adapter": b, "b_adapter": a}
        draw(store, data_dir, engine, duel.id)
    desk = make_desk(store, data_dir)
    desk.clock.advance((STARTED - desk.clock.now()).total_seconds() + 60)
    return desk, duel


def rate_all(desk, duel, *, tuned: int, base: int) -> list[str]:
    """Rates every reply as it comes; gives all that the expert received."""
    told = []
    arms = {row.id: row.hidden[f"{row.hidden['side']}_adapter"] for row in list_items(desk.engine, duel.id)}
    for _ in range(len(arms)):
        claimed = desk.post(f"/v1/tasks/{duel.task_id}/next", "expert")
        item_id = claimed.json["item_id"]
        shown = desk.get(f"/v1/items/{item_id}", "expert")
        score = tuned if arms[item_id] else base
        said = desk.post(f"/v1/items/{item_id}/labels", "expert", value={"score": score})
        assert (claimed.status_code, shown.status_code, said.status_code) == (200, 200, 201)
        told += [f"{answer.headers}\n{answer.text}" for answer in (claimed, shown, said)]
    return told


def test_each_reply_is_an_item_of_its_own(store_engine, tmp_path):
    _, duel = begin(store_engine, tmp_path)
    rows = list_items(store_engine, duel.id)
    assert [row.position for row in rows] == list(range(1, 2 * PROMPTS + 1))
    assert all(set(row.shown) == {"messages", "reply"} and row.state == "open" for row in rows)
    first, second = rows[:PROMPTS], rows[PROMPTS:]
    assert [row.hidden["side"] for row in rows] == ["a"] * PROMPTS + ["b"] * PROMPTS
    assert {row.hidden["round"] for row in first} == {row.hidden["round"] for row in second}
    for row in second:
        (other,) = [one for one in first if one.id == row.hidden["round"]]
        assert row.shown["messages"] == other.shown["messages"] and row.shown["reply"] != other.shown["reply"]
        assert {row.hidden["a_adapter"], row.hidden["b_adapter"]} == {ADAPTER, None}


def test_what_experts_said_is_told_once_the_round_is_closed(store_engine, tmp_path):
    desk, duel = begin(store_engine, tmp_path, prompts=20)
    path = f"/v1/adapters/{ADAPTER}/scores"
    rate_all(desk, duel, tuned=4, base=3)
    open_round = desk.get(path, "expert").json
    assert open_round["score"]["mean"] is None and open_round["rounds"][0]["state"] == "open"
    with read(store_engine) as session:
        assert find_low_score(session, Policy(), desk_id=DESK, adapter=ADAPTER) is None
        asks = Policy(approval=ApprovalPolicy(min_expert_score=0.0))
        missing = find_low_score(session, asks, desk_id=DESK, adapter=ADAPTER)
        assert (missing.code, missing.value, missing.limit) == ("expert_score", None, 0.0)
    assert desk.post(f"/v1/duels/{duel.id}/close", "expert").status_code == 200
    told = desk.get(path, "expert").json["score"]
    assert (told["mean"], told["low"], told["high"], told["word"]) == (1.0, 1.0, 1.0, "better")
    assert (told["prompts"], told["equal"], told["experts"]) == (20, 0, 1)
    with read(store_engine) as session:
        assert find_low_score(session, asks, desk_id=DESK, adapter=ADAPTER) is None
        more = Policy(approval=ApprovalPolicy(min_expert_score=1.5))
        assert find_low_score(session, more, desk_id=DESK, adapter=ADAPTER).value == 1.0
    assert "+1.00" in desk.get(f"/console/adapters/{ADAPTER}", "expert").text


def test_it_is_no_duel_to_be_judged_and_teaches_nothing(store_engine, tmp_path):
    desk, duel = begin(store_engine, tmp_path)
    rate_all(desk, duel, tuned=5, base=1)
    desk.post(f"/v1/duels/{duel.id}/close", "expert")
    assert desk.get("/v1/duels", "expert").json == {"duels": []}
    assert desk.get(f"/v1/duels/{duel.id}", "expert").status_code == 404
    until = desk.clock.now()
    assert list(iterate_judged_rounds(store_engine, desk_id=DESK, since=None, until=until)) == []


def test_a_labeller_cannot_start_or_read_it(store_engine, tmp_path):
    desk, _ = begin(store_engine, tmp_path)
    path = f"/v1/adapters/{ADAPTER}/scores"
    for role in ("labeller", "agent"):
        assert desk.post(path, role, prompts=1).status_code == 403
        assert desk.get(path, role).status_code == 403
    started = desk.post(path, "expert", prompts=2)
    assert started.status_code == 201 and started.json["state"] == "drawing"
    assert desk.post(path, "expert", prompts=400).json["error"]["code"] == "too_few_prompts"


def test_exchanged_arms_change_no_byte_of_what_an_expert_receives(stores):
    told, arms = [], []
    for swapped, (store, data_dir) in zip((False, True), stores, strict=True):
        desk, duel = begin(store, data_dir, swapped=swapped)
        told.append([number_ids(text) for text in rate_all(desk, duel, tuned=3, base=3)])
        arms.append([row.hidden[f"{row.hidden['side']}_adapter"] for row in list_items(store, duel.id)])
    assert told[0] == told[1]
    assert arms[0] == [None if arm else ADAPTER for arm in arms[1]]
    assert ADAPTER not in "".join(told[0])
