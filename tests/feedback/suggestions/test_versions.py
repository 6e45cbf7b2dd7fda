"""Sets of two versions: two replies of base, one of the live adapter, one of the canary."""

import random
import threading
from collections import Counter

import pytest

from feedback.store.deployments import add_deployment
from feedback.store.engine import unit_of_work
from feedback.suggestions.plan import SEED_DISTANCE, make_requests, name_design
from tests.feedback.builders import DESK, NOW
from tests.feedback.set_desk import DEADLINE_S, NEW, OLD, build
from tests.feedback.suggestions.test_suggester import say

THREE = [("base", None), ("base", None), ("tuned", OLD), ("tuned", NEW)]


def read_drawn(desk, row) -> list[tuple[str, str | None]]:
    """Arm and adapter of each candidate, base first, then by name."""
    return sorted(((c.arm, c.adapter) for c in desk.read_candidates(row.id)), key=str)


def test_a_canary_beside_a_live_adapter_is_compared_with_it(versions):
    row = versions.prepare(versions.ask())
    assert (row.state, row.design, row.adapter, row.error) == ("ready", "2+1+1", NEW, None)
    assert read_drawn(versions, row) == sorted(THREE, key=str)
    asked = {body["model"]: body["n"] for body in versions.asked()[:3]}
    assert asked == {"zero": 2, OLD: 1, NEW: 1}
    assert {request["adapter"]: request["seed"] for request in row.requests} == {
        None if body["model"] == "zero" else body["model"]: body["seed"] for body in versions.asked()
    }


@pytest.mark.parametrize(
    ("live", "canary", "settings", "design", "adapter"),
    [
        ({}, {}, {"compare_share": 0.0}, "2+2", NEW),
        (None, {}, {}, "2+2", NEW),
        ({}, None, {}, "2+2", OLD),
        ({"base_id": "a" * 64}, {}, {}, "2+2", NEW),
        ({}, {"base_id": "a" * 64}, {}, "4+0", None),
        ({}, {}, {"candidates": 6}, "3+3", NEW),
    ],
)
def test_sets_of_one_version_stay_as_they_are(
    sqlite_engine, fake_engine, tmp_path, live, canary, settings, design, adapter
):
    desk = build(sqlite_engine, fake_engine, tmp_path, **({"compare_share": 1.0} | settings))
    if live is not None:
        desk.deploy(OLD, role="live", **live)
    if canary is not None:
        desk.deploy(NEW, **canary)
    row = desk.prepare(desk.ask())
    assert (row.design, row.adapter) == (design, adapter)
    desk.close()


@pytest.mark.parametrize("broken", [OLD, NEW])
def test_the_other_version_stands_in_for_one_that_cannot_be_loaded(versions, broken):
    break_adapter(versions, broken)
    row = versions.prepare(versions.ask())
    other = {OLD: NEW, NEW: OLD}[broken]
    assert (row.state, row.design, row.adapter) == ("ready", "2+2", other)
    assert read_drawn(versions, row) == [("base", None)] * 2 + [("tuned", other)] * 2
    seeds = sorted(request["seed"] for request in row.requests)
    assert len(seeds) == 3 and min(seeds[1] - seeds[0], seeds[2] - seeds[1]) >= SEED_DISTANCE


def test_base_stands_in_for_both_versions(versions):
    break_adapter(versions, OLD)
    break_adapter(versions, NEW)
    row = versions.prepare(versions.ask())
    assert (row.state, row.design, row.adapter) == ("ready", "4+0", None)
    assert read_drawn(versions, row) == [("base", None)] * 4


def test_a_version_that_the_engine_forgot_is_loaded_once_more(versions):
    del versions.engine.adapters[OLD]
    row = versions.prepare(versions.ask())
    assert (row.design, read_drawn(versions, row)) == ("2+1+1", sorted(THREE, key=str))


def break_adapter(desk, name: str) -> None:
    del desk.engine.adapters[name]
    (desk.serving.data_dir / "adapters" / name / "weights" / "adapter_config.json").unlink()


def test_equal_texts_of_two_versions_are_sampled_again_by_the_version_that_was_asked_later(versions):
    say_by_model(versions.engine, {"zero": ["One.", "Two."], OLD: ["Same.", "Old."], NEW: ["Same.", "New."]})
    row = versions.prepare(versions.ask())
    first, later = (request["adapter"] for request in row.requests[:3] if request["adapter"])
    again = row.requests[3]
    assert (again["adapter"], again["arm"], again["n"]) == (later, "tuned", 1)
    fresh = {OLD: "Old.", NEW: "New."}[later]
    texts = {(c.text, c.adapter) for c in versions.read_candidates(row.id)}
    assert texts == {("One.", None), ("Two.", None), ("Same.", first), (fresh, later)}


def test_texts_of_two_versions_that_stay_equal_keep_both_names_in_the_rows(versions):
    say_by_model(versions.engine, {"zero": ["One.", "Two."], OLD: ["Same."] * 2, NEW: ["same."] * 2})
    row = versions.prepare(versions.ask())
    same = [c for c in versions.read_candidates(row.id) if c.text.lower() == "same."]
    assert [(c.state, c.arm) for c in same] == [("ready", "tuned"), ("merged", "tuned")]
    assert {c.adapter for c in same} == {OLD, NEW}
    assert same[1].reason == f"slot {same[0].slot}"


def say_by_model(engine, texts: dict[str, list[str]]) -> None:
    """The engine gives each model these texts in order, then its own."""
    lock, answer = threading.Lock(), engine.answer

    def tell(path, body):
        status, content = answer(path, body)
        if path == "/v1/chat/completions" and status == 200:
            with lock:
                for choice in content["choices"]:
                    if texts[body["model"]]:
                        choice["message"]["content"] = texts[body["model"]].pop(0)
        return status, content

    engine.answer = tell


def test_all_four_replies_equal_are_sampled_again_by_everybody_but_one(versions):
    say(versions.engine, *["Same."] * 4, "One.", "Two.", "Three.")
    row = versions.prepare(versions.ask())
    assert sum(request["n"] for request in row.requests[3:]) == 3
    assert sorted(c.text for c in versions.read_candidates(row.id)) == ["One.", "Same.", "Three.", "Two."]
    assert Counter(read_drawn(versions, row)) == Counter(THREE)


@pytest.mark.parametrize("role", ["live", "canary"])
def test_a_version_that_was_exchanged_meanwhile_is_not_asked_for(versions, monkeypatch, role):
    newer = "tuned-20261122-2"
    open_set = versions.suggester._open

    def exchange(*args):
        monkeypatch.undo()
        versions.deploy(newer, role=role)
        return open_set(*args)

    monkeypatch.setattr(versions.suggester, "_open", exchange)
    row = versions.prepare(versions.ask())
    assert row.design == "2+1+1"
    assert {c.adapter for c in versions.read_candidates(row.id)} == {
        None,
        newer,
        NEW if role == "live" else OLD,
    }


def test_a_canary_that_ended_meanwhile_leaves_a_set_of_the_live_adapter(versions, monkeypatch):
    open_set = versions.suggester._open

    def end_canary(*args):
        monkeypatch.undo()
        with unit_of_work(versions.store) as session:
            add_deployment(session, desk_id=DESK, role="canary", adapter=None, actor="t", reason="t", now=NOW)
        return open_set(*args)

    monkeypatch.setattr(versions.suggester, "_open", end_canary)
    row = versions.prepare(versions.ask())
    assert (row.design, row.adapter) == ("2+2", OLD)


def test_all_sets_that_are_prepared_at_once_send_all_their_requests_at_once(
    sqlite_engine, fake_engine, tmp_path
):
    desk = build(sqlite_engine, fake_engine, tmp_path, compare_share=1.0, suggest_workers=2)
    desk.deploy(OLD, role="live")
    desk.deploy(NEW)
    together, answer = threading.Barrier(6), fake_engine.answer

    def meet(path, body):
        if path == "/v1/chat/completions":
            together.wait(DEADLINE_S)  # broken, and the sets late, if the six requests wait for one another
        return answer(path, body)

    fake_engine.answer = meet
    turns = [desk.ask(), desk.ask()]
    for turn_id in turns:
        desk.suggester.enqueue(turn_id)
    assert [desk.prepare(turn_id).design for turn_id in turns] == ["2+1+1", "2+1+1"]
    assert not together.broken and {c.state for c in desk.read_candidates(desk.read_set(turns[0]).id)} == {
        "ready"
    }
    desk.close()


@pytest.mark.parametrize(
    ("adapters", "orders", "counts"),
    [
        ((), {(None, None)}, {None: 4}),
        ((NEW,), {(None, NEW), (NEW, None)}, {None: 2, NEW: 2}),
        (
            (NEW, OLD),
            {
                (None, NEW, OLD),
                (None, OLD, NEW),
                (NEW, None, OLD),
                (OLD, None, NEW),
                (NEW, OLD, None),
                (OLD, NEW, None),
            },
            {None: 2, NEW: 1, OLD: 1},
        ),
    ],
)
def test_requests_come_in_every_order_equally_often(adapters, orders, counts):
    chance = random.Random(20261122)
    seen: Counter[tuple[str | None, ...]] = Counter()
    for _ in range(600 * len(orders)):
        requests = make_requests(adapters, 4, lambda: chance.randrange(2**62), chance.randrange)
        seen[tuple(request.adapter for request in requests)] += 1
        assert Counter({name: sum(r.n for r in requests if r.adapter == name) for name in counts}) == counts
    assert set(seen) == orders
    assert all(abs(times - 600) < 110 for times in seen.values())  # 4.9 standard deviations of at most 22.4


def test_seeds_that_are_close_are_drawn_anew():
    generated = iter([5, 5 + SEED_DISTANCE - 1, 9000, 9000 - SEED_DISTANCE + 1, 0, 20000])
    requests = make_requests((NEW, OLD), 4, lambda: next(generated), lambda limit: 0)
    assert [request.seed for request in requests] == [5, 9000, 20000]


@pytest.mark.parametrize(
    ("asked", "design"),
    [
        ([(None, 2), (None, 2)], "4+0"),
        ([("a", 2), (None, 2)], "2+2"),
        ([("a", 1), (None, 2), ("a", 1)], "2+2"),
        ([("a", 1), (None, 2), ("b", 1)], "2+1+1"),
        ([("a", 1), (None, 2), (None, 1)], "3+1"),
    ],
)
def test_a_design_counts_the_replies_of_base_and_of_each_version(asked, design):
    assert name_design(asked) == design
