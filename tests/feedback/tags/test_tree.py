"""What a string means in a tree, and what every change keeps: worked out by hand, and as laws."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.errors import ApiError, Conflict
from feedback.tags.adoption import plan_adoption
from feedback.tags.edits import (
    TagEdit,
    plan_addition,
    plan_merge,
    plan_move,
    plan_rename,
    plan_restoration,
    plan_retirement,
    plan_undo,
)
from feedback.tags.errors import (
    AliasTaken,
    TagChanged,
    TagCycle,
    TagHasChildren,
    TagNameInvalid,
    TagState,
    TagTaken,
)
from feedback.tags.tree import MERGED, TagTree

STRINGS = {"domain:hotel": 3, "domain:train": 2, "domain": 1, "intent/refund": 4, "vip": 5}


def apply_edit(tree: TagTree, edit: TagEdit) -> TagTree:
    """The tree after an edit that was planned for it, as the store writes it."""
    nodes = {**tree.nodes, **{id: after for id, (_, after) in edit.nodes.items()}}
    aliases = {**tree.aliases, **{name: after for name, (_, after) in edit.aliases.items()}}
    return TagTree(
        {id: node for id, node in nodes.items() if node is not None},
        {name: id for name, id in aliases.items() if id is not None},
    )


def grow(*paths: str) -> TagTree:
    tree, numbers = TagTree(), count(1)
    for path in paths:
        tree = apply_edit(tree, plan_addition(tree, path, new_id=lambda: f"t{next(numbers)}"))
    return tree


def adopt(tree: TagTree, strings: dict[str, int]) -> TagTree:
    return apply_edit(tree, plan_adoption(tree, strings).edit)


def id_of(tree: TagTree, path: str) -> str:
    found = tree.find(path)
    assert found is not None, path
    return found


def test_an_adopted_string_with_a_colon_is_a_tag_below_another() -> None:
    plan = plan_adoption(TagTree(), STRINGS)
    tree = apply_edit(TagTree(), plan.edit)
    assert tree.resolve("domain:hotel") == "domain/hotel"
    assert set(tree.aliases) == {"domain:hotel", "domain:train"}
    assert tree.expand(["domain"]) == {
        *("domain", "domain/hotel", "domain:hotel", "domain/train", "domain:train"),
    }
    assert tree.expand(["domain:hotel"]) == {"domain:hotel", "domain/hotel"}
    assert tree.expand(["nobody knows"]) == {"nobody knows"}
    assert [(each.string, each.rows, each.path) for each in plan.adopted][:2] == [
        ("domain", 1, "domain"),
        ("domain:hotel", 3, "domain/hotel"),
    ]
    assert (plan.new_tags, plan.known, plan.left, plan.shared) == (6, 0, [], [])


def test_a_row_counts_once_under_each_tag_above_its_own() -> None:
    tree = adopt(TagTree(), STRINGS)
    assert tree.lift(["domain:hotel", "domain:train", "new one"]) == {
        *("domain", "domain/hotel", "domain/train", "new one"),
    }


def test_strings_without_a_name_are_left_and_two_that_meet_are_said() -> None:
    plan = plan_adoption(
        TagTree(), {":": 1, "a:b": 1, "a/b": 2, "x" * 65: 1, "/".join("abcdefghi"): 1, "": 3}
    )
    assert plan.left == ["", ":", "a/b/c/d/e/f/g/h/i", "x" * 65]
    assert plan.shared == ["a/b"]


def test_a_second_adoption_finds_nothing_new() -> None:
    tree = adopt(TagTree(), STRINGS)
    plan = plan_adoption(tree, STRINGS)
    assert (plan.edit, plan.adopted, plan.known) == (TagEdit(), [], 5)


def test_what_was_renamed_keeps_its_strings_and_those_below_it() -> None:
    tree = adopt(TagTree(), STRINGS)
    tree = apply_edit(tree, plan_rename(tree, id_of(tree, "domain"), "field"))
    assert tree.resolve("domain:hotel") == tree.resolve("domain/hotel") == "field/hotel"
    grown = plan_adoption(tree, {"domain:taxi": 1})
    assert [each.path for each in grown.adopted] == ["field/taxi"]
    back = apply_edit(tree, plan_rename(tree, id_of(tree, "field"), "domain"))
    assert back.resolve("field/hotel") == "domain/hotel" and "domain" not in back.aliases


def test_a_merged_tag_is_another_name_and_what_was_below_it_moves() -> None:
    tree = adopt(TagTree(), STRINGS | {"topic:train:late": 1})
    edit = plan_merge(tree, id_of(tree, "topic"), id_of(tree, "domain/hotel"))
    merged = apply_edit(tree, edit)
    assert merged.resolve("topic") == "domain/hotel"
    assert merged.resolve("topic:train:late") == "domain/hotel/train/late"
    assert merged.expand(["domain/hotel"]) >= {"topic", "topic:train:late", "domain:hotel"}
    again = apply_edit(merged, plan_restoration(merged, id_of(tree, "topic")))
    assert again.resolve("topic") == "topic"


@pytest.mark.parametrize(
    ("plan", "error", "named"),
    [
        (lambda tree: plan_move(tree, "t1", id_of(tree, "a/b")), TagCycle, "a/b"),
        (lambda tree: plan_merge(tree, "t1", id_of(tree, "a/b")), TagCycle, "a/b"),
        (lambda tree: plan_merge(tree, "t1", "t1"), TagCycle, "a"),
        (lambda tree: plan_rename(tree, "t1", "c"), TagTaken, "c"),
        (lambda tree: plan_rename(tree, "t1", "old"), AliasTaken, "c"),
        (lambda tree: plan_addition(tree, "old"), AliasTaken, "c"),
        (lambda tree: plan_addition(tree, "a/b"), TagTaken, "a/b"),
        (lambda tree: plan_retirement(tree, "t1"), TagHasChildren, "a/b"),
        (lambda tree: plan_merge(tree, "t1", id_of(tree, "gone")), TagState, "gone"),
        (lambda tree: plan_merge(tree, id_of(tree, "d"), "t1"), TagTaken, "a/b"),
        (lambda tree: plan_rename(tree, "t1", "a/x"), TagNameInvalid, "a/x"),
        (lambda tree: plan_addition(tree, "a//b"), TagNameInvalid, ""),
    ],
)
def test_what_is_refused_names_what_is_in_the_way(plan, error, named) -> None:
    tree = grow("a", "a/b", "old", "d/b", "gone")
    tree = apply_edit(tree, plan_rename(tree, id_of(tree, "old"), "c"))
    tree = apply_edit(tree, plan_retirement(tree, id_of(tree, "gone")))
    with pytest.raises(error) as refused:
        plan(tree)
    assert repr(named) in refused.value.message
    assert refused.value.status == (409 if issubclass(error, Conflict) else 422)


def test_what_was_built_upon_is_not_taken_back() -> None:
    tree = TagTree()
    first = plan_addition(tree, "a")
    tree = apply_edit(tree, first)
    tree = apply_edit(tree, plan_addition(tree, "a/b"))
    with pytest.raises(TagChanged, match="a/b"):
        plan_undo(tree, first)


def test_a_move_that_would_make_a_ring_is_not_taken_back_twice() -> None:
    tree = grow("a", "b")
    a, b = id_of(tree, "a"), id_of(tree, "b")
    there = plan_move(tree, a, b)
    tree = apply_edit(tree, there)
    back = plan_undo(tree, there)
    tree = apply_edit(tree, back)
    tree = apply_edit(tree, plan_move(tree, b, a))
    with pytest.raises(TagChanged):
        plan_undo(tree, back)


NAMES = st.sampled_from(["a", "b", "c", "d"])
STRINGS_OF_SOME = st.lists(NAMES, min_size=1, max_size=3).flatmap(
    lambda names: st.sampled_from([":", "/"]).map(lambda between: between.join(names))
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["adopt", "add", "rename", "move", "merge", "retire", "restore", "undo"]),
        st.integers(0, 30),
        st.integers(0, 30),
        STRINGS_OF_SOME,
    ),
    max_size=12,
)


def plan_step(tree: TagTree, done: list[TagEdit], step: tuple[str, int, int, str]) -> TagEdit | None:
    """The edit of a random step; None where the tree has nothing for it."""
    kind, first, second, string = step
    ids = sorted(tree.nodes)
    if kind == "adopt":
        return plan_adoption(tree, {string: 1}).edit
    if kind == "add":
        return plan_addition(tree, string.replace(":", "/"))
    if kind == "undo":
        return plan_undo(tree, done[first % len(done)]) if done else None
    if not ids:
        return None
    id, other = ids[first % len(ids)], ids[second % len(ids)]
    if kind == "rename":
        return plan_rename(tree, id, string[-1])
    if kind == "move":
        return plan_move(tree, id, None if second % 4 == 0 else other)
    if kind == "merge":
        return plan_merge(tree, id, other)
    return plan_retirement(tree, id) if kind == "retire" else plan_restoration(tree, id)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_laws_hold_whatever_people_do(steps) -> None:
    tree, done = TagTree(), []
    for step in steps:
        try:
            edit = plan_step(tree, done, step)
        except ApiError as refusal:
            assert refusal.status in (409, 422) and refusal.message
            continue
        if edit is None:
            continue
        after = apply_edit(tree, edit)
        check_closure(after)
        check_meanings(tree, after, edit)
        check_undo(tree, after, edit)
        assert TagEdit.from_json(edit.to_json()) == edit
        tree, done = after, [*done, edit]


def check_closure(tree: TagTree) -> None:
    """No path and no string has two tags; a subtree takes in exactly what counts under its top."""
    assert len(set(tree.paths.values())) == len(tree.paths)
    assert not set(tree.aliases) & set(tree.paths.values())
    for id, path in tree.paths.items():
        assert tree.resolve(path) == path and tree.find(path) == id
        below = {name for name in tree.meanings if path in tree.lift([name])}
        assert tree.expand([path]) == below
    assert all(tree.nodes[tree.follow(id)].state != MERGED for id in tree.nodes)


def check_meanings(before: TagTree, after: TagTree, edit: TagEdit) -> None:
    """A string that meant a tag means it still, or what that was merged into; but for tags that are gone."""
    gone = {id for id, (_, now) in edit.nodes.items() if now is None}
    only_removes = all(now is None for _, now in edit.nodes.values())
    for name, id in before.meanings.items():
        if id in gone or (only_removes and name in edit.aliases):
            continue
        found = after.find(name)
        assert found is not None
        is_back = {each for each, (was, now) in edit.nodes.items() if was and now and was.state != now.state}
        assert found == after.follow(id) or found in is_back


def check_undo(before: TagTree, after: TagTree, edit: TagEdit) -> None:
    """Taken back at once, all tags are what they were and every string means what it meant."""
    again = apply_edit(after, plan_undo(after, edit))
    assert again.nodes == before.nodes
    assert {name: again.resolve(name) for name in before.meanings} == {
        name: before.resolve(name) for name in before.meanings
    }
