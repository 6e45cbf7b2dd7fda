"""Which prompts a duel takes: none that a contender learnt from, later conversations first."""

from datetime import timedelta

import pytest

from feedback.duels.prompts import LATER, TEST, UNUSED, Seen, choose_prompts, find_origin
from feedback.duels.start import OtherBase, SameContender, TooFewPrompts
from feedback.errors import NotFound
from feedback.store import duel_rounds, duels
from feedback.store.duels import Prompt, PromptKey
from feedback.store.engine import read
from tests.feedback.builders import DESK, NOW
from tests.feedback.duels.duel_desk import (
    ADAPTER,
    BUILT,
    MADE,
    RIVAL,
    STARTED,
    add_contender,
    add_prompt,
    list_items,
    start,
    write_dataset,
)

BEFORE = BUILT - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("conversation", "arrived", "origin"),
    [
        ("new", STARTED, LATER),
        ("new", BUILT, UNUSED),  # at the moment itself it may have been part of it
        ("held", BEFORE, TEST),
        ("learnt", BEFORE, None),
        ("learnt", STARTED, None),  # the clock does not acquit what the files convict
    ],
)
def test_where_a_prompt_comes_from(conversation, arrived, origin):
    seen = Seen(BUILT, conversations={"learnt"}, held_out={"held"})
    assert find_origin(PromptKey("s", conversation, arrived), [seen]) == origin


def test_a_prompt_must_be_unseen_by_every_contender():
    one, other = Seen(BUILT, conversations={"x"}), Seen(MADE, conversations={"y"}, held_out={"x"})
    assert find_origin(PromptKey("s", "x", STARTED), [one, other]) is None
    assert find_origin(PromptKey("s", "y", STARTED), [one, other]) is None
    between = PromptKey("s", "z", BUILT + timedelta(minutes=1))
    assert find_origin(between, [one]) == LATER
    assert find_origin(between, [one, other]) == UNUSED


def test_without_the_files_only_what_came_later_is_unseen():
    unknown = Seen(BUILT, is_known=False)
    assert find_origin(PromptKey("s", "c", STARTED), [unknown]) == LATER
    assert find_origin(PromptKey("s", "c", BEFORE), [unknown]) is None


def choose(keys, seen, wanted, seed=1, texts=None):
    texts = texts or {key.set_id: key.set_id for key in keys}
    return choose_prompts(
        keys,
        [seen],
        seed=seed,
        wanted=wanted,
        fetch=lambda ids: {id: Prompt([{"role": "user", "content": texts[id]}], {}) for id in ids},
        has_twin=lambda text: "learnt" in text,
    )


def test_later_ones_come_first_and_the_seed_decides_among_equals():
    keys = [PromptKey(f"old{n}", f"o{n}", BEFORE) for n in range(300)]
    keys += [PromptKey(f"new{n}", f"n{n}", STARTED) for n in range(20)]
    chosen = choose(keys, Seen(BUILT), 25)
    assert [item.origin for item in sorted(chosen, key=lambda item: item.origin)] == [LATER] * 20 + [
        UNUSED
    ] * 5
    assert choose(keys, Seen(BUILT), 25) == chosen
    assert choose(keys, Seen(BUILT), 25, seed=2) != chosen


def test_one_set_a_conversation_and_no_text_twice():
    keys = [PromptKey(f"s{n}", "one", STARTED) for n in range(5)]
    keys += [PromptKey("t1", "two", STARTED), PromptKey("t2", "three", STARTED)]
    texts = {f"s{n}": f"text {n}" for n in range(5)} | {"t1": "same", "t2": "same"}
    chosen = choose(keys, Seen(BUILT), 10, texts=texts)
    assert sorted(item.key.conversation_id == "one" for item in chosen) == [False, True]


def test_a_prompt_with_a_twin_gives_way_to_the_next():
    keys = [PromptKey(f"s{n}", f"c{n}", STARTED) for n in range(6)]
    texts = {f"s{n}": f"{'learnt' if n % 2 else 'new'} {n}" for n in range(6)}
    chosen = choose(keys, Seen(BUILT), 10, texts=texts)
    assert sorted(item.key.set_id for item in chosen) == ["s0", "s2", "s4"]


def test_a_near_duplicate_of_a_training_prompt_is_seen(store_engine, tmp_path):
    """Of train and validation; what is like a test prompt is as unseen as that one."""
    add_contender(store_engine, tmp_path)
    ask = "Hello, my {} number {} has not come and I would like to know when it does."
    add_prompt(store_engine, ask.format("parcel", 77))
    add_prompt(store_engine, "你好，我的订单 778 还没有到，请问什么时候可以送到？")
    kept = add_prompt(store_engine, ask.format("new washing machine", 5))
    write_dataset(
        tmp_path,
        choices=[
            ("imported-1", "train", ask.format("parcel", 12)),
            ("imported-2", "test", ask.format("new washing machine", 6)),
        ],
        pairs=[("imported-3", "validation", "你好，我的订单 12 还没有到，请问什么时候可以送到？谢谢")],
    )
    duel = start(store_engine, tmp_path, wanted=1)
    (row,) = list_items(store_engine, duel.id)
    assert row.conversation_id == kept
    with pytest.raises(TooFewPrompts):
        start(store_engine, tmp_path, wanted=2, event_id="e2")


def test_a_prompt_with_the_words_of_a_training_prompt_is_seen(store_engine, tmp_path):
    add_contender(store_engine, tmp_path)
    kept = add_prompt(store_engine, "Where is parcel 7?")
    add_prompt(store_engine, "Where is parcel 1?")  # learnt word for word in another conversation
    add_prompt(store_engine, "Where is parcel 2?")
    write_dataset(
        tmp_path,
        choices=[("imported-1", "train", "Where is parcel 1?"), ("imported-3", "test", "Where is parcel 7?")],
        pairs=[("imported-2", "validation", "Where is parcel 2?")],
    )
    duel = start(store_engine, tmp_path, wanted=1)
    (row,) = list_items(store_engine, duel.id)
    assert (row.conversation_id, row.hidden["origin"], row.state) == (kept, LATER, "waiting")
    with pytest.raises(TooFewPrompts):
        start(store_engine, tmp_path, wanted=2, event_id="e2")


def test_too_few_prompts_are_counted_by_where_they_come_from(store_engine, tmp_path):
    add_contender(store_engine, tmp_path)
    ids = [add_prompt(store_engine, f"Question {n}?", arrived=BEFORE) for n in range(5)]
    add_prompt(store_engine, "A new one?")
    add_prompt(store_engine, "Still preparing?", state="preparing")
    add_prompt(store_engine, "No messages", messages=[])
    splits = ("train", "train", "validation", "test")
    write_dataset(
        tmp_path, choices=[(id, split, f"Asked {id}") for id, split in zip(ids, splits, strict=False)]
    )
    with pytest.raises(TooFewPrompts) as refused:
        start(store_engine, tmp_path, wanted=4)
    assert "4 prompts were asked for and 3 are unseen" in refused.value.message
    assert "(1 later, 1 test, 1 unused)" in refused.value.message
    assert "Ask for 3 or fewer" in refused.value.hint
    with read(store_engine) as session:
        assert duels.select_duels(session, desk_id=DESK) == []


def test_starting_again_by_the_same_event_is_the_same_duel(store_engine, tmp_path):
    add_contender(store_engine, tmp_path)
    for n in range(6):
        add_prompt(store_engine, f"Question {n}?")
    first = start(store_engine, tmp_path, wanted=4)
    again = start(store_engine, tmp_path, wanted=4, seed=5)
    other = start(store_engine, tmp_path, wanted=4, event_id="e2")
    assert first.id == again.id != other.id
    with read(store_engine) as session:
        counts = duel_rounds.count_rounds(session, duel_ids=[first.id, other.id])
    assert counts[first.id] == {"waiting": 4, "ready": 0, "equal": 0, "left_out": 0} == counts[other.id]


def test_who_may_not_be_compared(sqlite_engine, tmp_path):
    add_contender(sqlite_engine, tmp_path)
    add_contender(sqlite_engine, tmp_path, RIVAL, dataset_id=None, base_id="c" * 64)
    with pytest.raises(SameContender):
        start(sqlite_engine, tmp_path, wanted=1, rival=ADAPTER)
    with pytest.raises(OtherBase):
        start(sqlite_engine, tmp_path, wanted=1, rival=RIVAL)
    with pytest.raises(NotFound):
        start(sqlite_engine, tmp_path, wanted=1, adapter="tuned-19990101-1")


def test_both_sides_get_the_adapter_about_as_often(sqlite_engine, tmp_path):
    add_contender(sqlite_engine, tmp_path)
    for n in range(40):
        add_prompt(sqlite_engine, f"Question {n}?", arrived=NOW + timedelta(days=1))
    duel = start(sqlite_engine, tmp_path, wanted=40)
    rows = list_items(sqlite_engine, duel.id)
    on_a = [row.hidden["a_adapter"] == ADAPTER for row in rows]
    assert all({row.hidden["a_adapter"], row.hidden["b_adapter"]} == {ADAPTER, None} for row in rows)
    assert 10 <= sum(on_a) <= 30  # a fair coin leaves this range once in 1,471 seeds; this one is fixed
