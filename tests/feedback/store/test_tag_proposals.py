"""Patterns propose, people confirm: what is proposed, what a decision changes, and taking it back."""

from datetime import timedelta

import pytest

from feedback.store import tables
from feedback.store.engine import read, unit_of_work
from feedback.store.tag_proposals import (
    SaidOfTag,
    TagDecided,
    decide_tags,
    list_tag_proposals,
    undo_tag_decisions,
)
from feedback.store.tags import change_tag_tree, describe_tag, find_tag
from feedback.tags.edits import plan_addition, plan_retirement
from feedback.tags.errors import TagState
from tests.databases import START
from tests.feedback.builders import DESK, add_conversation, add_message

BY = {"desk_id": DESK, "actor": "eva", "now": START}
TALKS = {
    "old": ["I want a refund now", "REFUND please"],
    "zh": ["我要退款，谢谢"],
    "not": ["refundable or not?"],
    "has": ["a refund again"],
}


@pytest.fixture
def talks(store_engine):
    with unit_of_work(store_engine) as session:
        for place, (id, texts) in enumerate(TALKS.items()):
            add_conversation(session, id=id, tags=["money:refund"] if id == "has" else ["vip"])
            for position, text in enumerate(texts):
                at = START + timedelta(hours=place, minutes=position)
                add_message(session, id, position, "customer", text, created_at=at)
            add_message(session, id, 9, "agent", "You get a refund 退款.", created_at=START)
        change_tag_tree(session, plan=lambda tree: plan_addition(tree, "money/refund"), did="add", **BY)
        id = find_tag(session, desk_id=DESK, name="money/refund")
        session.add(tables.TagAlias(desk_id=DESK, name="money:refund", tag_id=id))
        describe_tag(session, tag_id=id, patterns=["refund", "退款"], **BY)
    return store_engine


def propose(store_engine) -> list[tuple[str, str]]:
    with read(store_engine) as session:
        return [(each.conversation_id, each.hit.text) for each in list_tag_proposals(session, desk_id=DESK)]


def decide(store_engine, verdict: str, *talks: str) -> list[str]:
    with unit_of_work(store_engine) as session:
        id = find_tag(session, desk_id=DESK, name="money/refund")
        said = [SaidOfTag(id, talk, verdict, "refund") for talk in talks]
        return [row.id for row in decide_tags(session, said=said, **BY)]


def tags_of(store_engine, id: str) -> list[str]:
    with read(store_engine) as session:
        return session.get_one(tables.Conversation, id).tags


def test_customers_words_propose_and_people_confirm(talks):
    # Newest first; no part of a longer word, no agent's words, nothing that has the tag by another name.
    assert propose(talks) == [("zh", "退款"), ("old", "REFUND")]
    assert [tags_of(talks, id) for id in TALKS] == [["vip"], ["vip"], ["vip"], ["money:refund"]]
    decisions = decide(talks, "confirm", "old", "zh")
    assert propose(talks) == []
    assert tags_of(talks, "old") == tags_of(talks, "zh") == ["vip", "money/refund"]
    with unit_of_work(talks) as session:
        undo_tag_decisions(session, ids=decisions, **BY)
    assert propose(talks) == [("zh", "退款"), ("old", "REFUND")]
    assert tags_of(talks, "old") == ["vip"]
    with unit_of_work(talks) as session, pytest.raises(TagDecided):
        undo_tag_decisions(session, ids=decisions[:1], **BY)


def test_what_is_rejected_is_proposed_no_more_and_changes_no_tags(talks):
    decide(talks, "reject", "old")
    assert propose(talks) == [("zh", "退款")]
    assert tags_of(talks, "old") == ["vip"]
    assert decide(talks, "confirm", "old") == []  # somebody else was first


def test_a_tag_that_was_there_is_not_lost_with_the_decision(talks):
    decisions = decide(talks, "confirm", "has")
    with unit_of_work(talks) as session:
        undo_tag_decisions(session, ids=decisions, **BY)
    assert tags_of(talks, "has") == ["money:refund"]


def test_a_retired_tag_is_neither_proposed_nor_confirmed(talks):
    with unit_of_work(talks) as session:
        id = find_tag(session, desk_id=DESK, name="money/refund")
        change_tag_tree(session, plan=lambda tree: plan_retirement(tree, id), did="retire", **BY)
    assert propose(talks) == []
    with pytest.raises(TagState, match="money/refund"):
        decide(talks, "confirm", "old")
