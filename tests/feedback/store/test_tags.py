"""The tree of tags on both databases: changes, what they leave of stored strings, and taking them back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import select

from feedback.errors import NotFound
from feedback.store import tables
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read, unit_of_work
from feedback.store.tag_changes import Editor, adopt_strings
from feedback.store.tag_counts import count_strings, count_tags_of, count_with_tags
from feedback.store.tags import (
    change_tag_tree,
    count_tag_changes,
    describe_tag,
    find_tag,
    read_tag_tree,
    undo_tag_change,
)
from feedback.tags.adoption import plan_adoption
from feedback.tags.edits import plan_addition, plan_merge, plan_rename, plan_retirement
from feedback.tags.errors import TagChanged, TagHasChildren
from feedback.tags.patterns import PatternInvalid
from tests.databases import START
from tests.feedback.builders import DESK, add_conversation

# The hash puts c-1 into train, c-4 into validation, c-16 into test.
RECORDS = (
    ("c-1", ["domain:hotel", "domain:train"]),
    ("c-1", ["domain:hotel"]),
    ("c-4", ["domain"]),
    ("c-16", ["vip", "退款"]),
)
BY = {"desk_id": DESK, "actor": "eva", "now": START}


@pytest.fixture
def tagged_store(store_engine):
    with unit_of_work(store_engine) as session:
        add_conversation(session, id="t1", tags=["domain:hotel", "vip"])
        add_conversation(session, id="t2", tags=[])
        for number, (conversation, tags) in enumerate(RECORDS):
            session.add(
                tables.Record(
                    desk_id=DESK,
                    kind="choice",
                    source="star",
                    identity=f"r{number}",
                    conversation=conversation,
                    tags=tags,
                    body={},
                    created_at=START,
                )
            )
    return store_engine


def adopt(store_engine) -> int:
    with unit_of_work(store_engine) as session:
        counts = count_strings(session, desk_id=DESK)
        done = change_tag_tree(session, plan=lambda tree: plan_adoption(tree, counts).edit, did="adopt", **BY)
    return done.id


def change(store_engine, plan, did: str, name: str) -> int:
    """Plans for the tag of this name; the number of the change."""
    with unit_of_work(store_engine) as session:
        id = find_tag(session, desk_id=DESK, name=name)
        done = change_tag_tree(session, plan=lambda tree: plan(tree, id), did=did, key=id, named=name, **BY)
    return done.id


def undo(store_engine, change_id: int) -> None:
    with unit_of_work(store_engine) as session:
        undo_tag_change(session, change_id=change_id, **BY)


def stored_strings(store_engine) -> list[list[str]]:
    with read(store_engine) as session:
        return [row.tags for row in session.exec(select(tables.Record).order_by(tables.Record.id))]


def shown(store_engine) -> dict[str, tuple[int, dict[str, int]]]:
    with read(store_engine) as session:
        tree = read_tag_tree(session, desk_id=DESK)
        found = count_tags_of(session, desk_id=DESK, tree=tree)
    return {path: (count.conversations, dict(count.records)) for path, count in sorted(found.items())}


def test_an_adopted_tree_counts_each_row_once_below_every_tag(tagged_store):
    before = shown(tagged_store)
    adopt(tagged_store)
    after = shown(tagged_store)
    assert after == {
        "domain": (1, {"train": 2, "validation": 1}),
        "domain/hotel": (1, {"train": 2}),
        "domain/train": (0, {"train": 1}),
        "vip": (1, {"test": 1}),
        "退款": (0, {"test": 1}),
    }
    assert [before[name] for name in ("domain:hotel", "domain:train", "vip", "退款")] == [
        after[name] for name in ("domain/hotel", "domain/train", "vip", "退款")
    ]
    assert stored_strings(tagged_store) == [tags for _, tags in RECORDS]


def test_an_adoption_is_taken_back_unless_somebody_built_on_it(tagged_store):
    before = shown(tagged_store)
    number = adopt(tagged_store)
    undo(tagged_store, number)
    assert shown(tagged_store) == before
    with read(tagged_store) as session:
        assert session.exec(select(tables.Tag)).all() == session.exec(select(tables.TagAlias)).all() == []
    again = adopt(tagged_store)
    with unit_of_work(tagged_store) as session:
        id = find_tag(session, desk_id=DESK, name="domain:hotel")
        describe_tag(session, tag_id=id, guideline="A stay for a night.", **BY)
    with pytest.raises(TagChanged, match="domain/hotel"):
        undo(tagged_store, again)
    with pytest.raises(TagChanged):
        undo(tagged_store, number)


def test_a_merge_moves_counts_and_is_taken_back(tagged_store):
    adopt(tagged_store)
    before = shown(tagged_store)
    with read(tagged_store) as session:
        into = find_tag(session, desk_id=DESK, name="domain/train")
    merged = change(tagged_store, lambda tree, id: plan_merge(tree, id, into), "merge", "domain/hotel")
    assert shown(tagged_store) == {
        "domain": (1, {"train": 2, "validation": 1}),
        "domain/train": (1, {"train": 2}),
        "vip": (1, {"test": 1}),
        "退款": (0, {"test": 1}),
    }
    with read(tagged_store) as session:
        tree = read_tag_tree(session, desk_id=DESK)
        assert count_with_tags(session, desk_id=DESK, strings=tree.expand(["domain/train"])) == (1, 2)
        assert count_with_tags(session, desk_id=DESK, strings=tree.expand(["domain"])) == (1, 3)
        assert count_with_tags(session, desk_id=DESK, strings=tree.expand(["退款"])) == (0, 1)
    undo(tagged_store, merged)
    assert shown(tagged_store) == before
    assert stored_strings(tagged_store) == [tags for _, tags in RECORDS]


def test_two_adoptions_at_once_make_one_tree(tagged_store):
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(try_adoption, tagged_store) for _ in range(2)]
        assert sorted(each.result() for each in both) == [False, True]
    assert list(shown(tagged_store)) == ["domain", "domain/hotel", "domain/train", "vip", "退款"]


def try_adoption(store_engine) -> bool:
    """Whether this adoption changed the tree."""
    with unit_of_work(store_engine) as session:
        return adopt_strings(session, by=Editor(**BY))[0] is not None


def test_every_change_is_kept_with_who_made_it(tagged_store):
    adopt(tagged_store)
    renamed = change(tagged_store, lambda tree, id: plan_rename(tree, id, "field"), "rename", "domain")
    undo(tagged_store, renamed)
    with pytest.raises(TagHasChildren, match="domain/hotel"):
        change(tagged_store, plan_retirement, "retire", "domain")
    with read(tagged_store) as session:
        kept = list_definition_changes(session, desk_id=DESK, kind="tag")
        assert [(row.what["did"], row.actor) for row in kept] == [
            ("undo", "eva"),
            ("rename", "eva"),
            ("adopt", "eva"),
        ]
        assert count_tag_changes(session, desk_id=DESK) == 3
        tree = read_tag_tree(session, desk_id=DESK)
    assert tree.resolve("field/hotel") == "domain/hotel"


def test_the_same_name_again_changes_nothing(tagged_store):
    adopt(tagged_store)
    with unit_of_work(tagged_store) as session:
        id = find_tag(session, desk_id=DESK, name="vip")
        assert change_tag_tree(session, plan=lambda t: plan_rename(t, id, "vip"), did="rename", **BY) is None
        row = describe_tag(session, tag_id=id, patterns=["very  important", "VIP*"], **BY)
        assert (row.patterns, row.version) == (["very important", "VIP*"], 2)
        assert describe_tag(session, tag_id=id, patterns=["very important", "VIP*"], **BY).version == 2
        with pytest.raises(PatternInvalid):
            describe_tag(session, tag_id=id, patterns=["*"], **BY)
        with pytest.raises(NotFound):
            find_tag(session, desk_id=DESK, name="nobody")


def test_a_tag_is_added_with_those_above_it(tagged_store):
    with unit_of_work(tagged_store) as session:
        done = change_tag_tree(session, plan=lambda t: plan_addition(t, "a/b/c"), did="add", **BY)
        tree = read_tag_tree(session, desk_id=DESK)
    assert list(tree.paths.values()) == ["a", "a/b", "a/b/c"]
    undo(tagged_store, done.id)
    assert list(shown(tagged_store)) == ["domain", "domain:hotel", "domain:train", "vip", "退款"]
