"""Everything that filters or reports by tag takes in the tags below, and an adoption changes no figure."""

from collections import Counter

import pytest

from feedback.clock import SystemClock
from feedback.datasets.build import build_dataset, read_split
from feedback.datasets.selection import Selection
from feedback.drift.watch import count_tags
from feedback.experiments.fits import renew_fits
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.store import daily_counts
from feedback.store.closings import count_closings
from feedback.store.duels import list_prompt_keys
from feedback.store.engine import read, unit_of_work
from feedback.store.record_counts import count_given
from feedback.store.tables import Record
from feedback.store.tag_counts import count_strings
from feedback.store.tag_proposals import SaidOfTag, decide_tags
from feedback.store.tags import change_tag_tree, find_tag
from feedback.tags.adoption import plan_adoption
from feedback.tags.edits import plan_merge, plan_rename
from feedback.tags.tree import TagTree
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter
from tests.feedback.desk import Desk, make_desk, put_set

ADAPTER = "tuned-20261122-1"
BY = {"desk_id": DESK, "actor": "eva", "now": START}
# Tags of four conversations, and the card that was picked: places 1 and 3 are the adapter's.
TALKS = ((["domain:hotel", "domain:train"], 1), (["domain:hotel"], 0), (["domain"], 3), (["vip"], 1))


@pytest.fixture
def desk_of_tags(store_engine, tmp_path) -> Desk:
    desk = make_desk(store_engine, tmp_path)
    with unit_of_work(store_engine) as session:
        add_adapter(session, ADAPTER)
    for number, (tags, slot) in enumerate(TALKS):
        opened = desk.open(f"Question number {number}, with words", language="en", tags=tags)
        put_set(desk.engine, opened["turn_id"], messages=[{"role": "user", "content": f"{number}"}])
        shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
        assert desk.pick(shown, slot).status_code == 201
    desk.clock.advance(3600)
    return desk


def adopt(desk: Desk) -> None:
    with unit_of_work(desk.engine) as session:
        counts = count_strings(session, desk_id=DESK)
        change_tag_tree(session, plan=lambda tree: plan_adoption(tree, counts).edit, did="adopt", **BY)


def count_by(desk: Desk, tag: str) -> dict[str, int]:
    """The rows that each report and filter finds by a tag."""
    asked = {"desk_id": DESK, "since": START, "tag": tag}
    with read(desk.engine) as session:
        found = {
            "funnel": sum(row.judgements for row in count_given(session, desk_id=DESK, tag=tag)),
            "judged": sum(row.judgements for row in daily_counts.count_judged(session, **asked)),
            "languages": sum(daily_counts.count_languages(session, **asked).values()),
            "replies": sum(each.replies for each in daily_counts.measure_replies(session, **asked).values()),
            "duels": len(list_prompt_keys(session, desk_id=DESK, tag=tag)),
            "closings": sum(count_closings(session, **asked).values()),
            "thumbs": sum(daily_counts.count_thumbs(session, **asked).values()),
        }
    for kind in ("", "&verdict=judged", "&messages=customer"):
        page = desk.get(f"/console/conversations.jsonl?tag={tag}{kind}", "expert")
        found[f"rows{kind}"] = len(page.text.splitlines())
    return found


def support_by_tag(desk: Desk) -> dict[str, tuple[int, int]]:
    renew_fits(desk.engine, policy=RolloutPolicy(), clock=desk.clock)
    told = desk.get(f"/v1/adapters/{ADAPTER}/support", "expert").json["breakdown"]["tags"]
    return {tag: (cell["tuned"], cell["base"]) for tag, cell in told.items()}


def expected(rows: int) -> dict[str, int]:
    names = ("funnel", "judged", "languages", "replies", "duels", "rows", "rows&verdict=judged")
    return {**dict.fromkeys(names, rows), "rows&messages=customer": rows, "closings": 0, "thumbs": 0}


def test_a_tag_takes_in_what_lies_below_it_and_an_adoption_changes_no_figure(desk_of_tags):
    strings = ("domain:hotel", "domain:train", "vip")
    before = {string: count_by(desk_of_tags, string) for string in strings}
    support = support_by_tag(desk_of_tags)
    assert support == {"domain": (1, 0), "domain:hotel": (1, 1), "domain:train": (1, 0), "vip": (1, 0)}
    assert before["domain:hotel"] == expected(2) and before["vip"] == expected(1)
    assert count_by(desk_of_tags, "domain") == expected(1)

    adopt(desk_of_tags)
    assert {string: count_by(desk_of_tags, string) for string in strings} == before
    assert count_by(desk_of_tags, "domain/hotel") == before["domain:hotel"]
    assert count_by(desk_of_tags, "domain") == expected(3)  # the one with two tags counts once
    assert support_by_tag(desk_of_tags) == {
        **{"domain": (2, 1), "domain/hotel": (1, 1), "domain/train": (1, 0), "vip": (1, 0)},
    }
    kinds = desk_of_tags.get("/v1/queue/kinds", "agent").json["tags"]
    assert kinds == []  # nobody waits
    for path in ("funnel", "trends"):
        page = desk_of_tags.get(f"/console/{path}?tag=domain", "expert")
        assert page.status_code == 200 and 'value="domain/hotel"' in page.text


def test_the_queue_offers_and_filters_tags_with_those_below(desk_of_tags):
    adopt(desk_of_tags)
    desk_of_tags.open("first", tags=["domain:hotel", "domain:train"])
    desk_of_tags.open("second", tags=["domain"])
    assert desk_of_tags.get("/v1/queue/kinds", "agent").json["tags"] == [
        {"tag": "domain", "count": 2},
        {"tag": "domain/hotel", "count": 1},
        {"tag": "domain/train", "count": 1},
    ]
    found = {
        tag: desk_of_tags.get(f"/v1/queue?tag={tag}", "agent").json["total"]
        for tag in ("domain", "domain/hotel")
    }
    assert found == {"domain": 2, "domain/hotel": 1}


def test_a_dataset_takes_tags_with_those_below_and_keeps_its_id(desk_of_tags, tmp_path):
    def build(*tags: str, without: tuple[str, ...] = ()) -> tuple[str, int]:
        selection = Selection(tags=tags, without_tags=without)
        info = build_dataset(desk_of_tags.engine, data_dir=tmp_path, clock=SystemClock(), selection=selection)
        splits = ("train", "validation", "test")
        return info.id, sum(len(list(read_split(info.path, "choices", split))) for split in splits)

    hotel, two = build("domain:hotel")
    assert (two, build("domain")[1]) == (2, 1)
    adopt(desk_of_tags)
    assert build("domain:hotel")[0] == build("domain/hotel")[0] == hotel
    assert build("domain")[1] == build("domain", "domain/hotel")[1] == 3
    assert build(without=("domain",))[1] == build()[1] - 3
    with unit_of_work(desk_of_tags.engine) as session:
        id = find_tag(session, desk_id=DESK, name="domain")
        change_tag_tree(session, plan=lambda tree: plan_rename(tree, id, "field"), did="rename", **BY)
    assert build("field/hotel")[0] == build("domain:hotel")[0] == hotel


def test_a_merge_moves_the_support_and_a_confirmed_tag_adds_to_it(desk_of_tags):
    adopt(desk_of_tags)
    with unit_of_work(desk_of_tags.engine) as session:
        vip, hotel = (find_tag(session, desk_id=DESK, name=name) for name in ("vip", "domain/hotel"))
        change_tag_tree(session, plan=lambda tree: plan_merge(tree, vip, hotel), did="merge", **BY)
    assert support_by_tag(desk_of_tags) == {
        **{"domain": (3, 1), "domain/hotel": (2, 1), "domain/train": (1, 0)},
    }
    with unit_of_work(desk_of_tags.engine) as session:
        (talk,) = (row for row in desk_of_tags.rows(Record, kind="choice") if row.tags == ["domain"])
        decide_tags(session, said=[SaidOfTag(hotel, talk.conversation, "confirm")], **BY)
    assert support_by_tag(desk_of_tags)["domain/hotel"] == (3, 1)
    assert count_by(desk_of_tags, "domain:hotel")["funnel"] == 4


def test_drift_counts_a_conversation_once_under_each_tag_above_its_own():
    lists = {("domain:hotel", "domain:train"): 3, ("vip",): 2}
    plan = plan_adoption(TagTree(), {"domain:hotel": 3, "domain:train": 3})
    tree = TagTree(
        {id: node for id, (_, node) in plan.edit.nodes.items()},
        {n: id for n, (_, id) in plan.edit.aliases.items()},
    )
    assert count_tags(lists, tree) == Counter({"domain": 3, "domain/hotel": 3, "domain/train": 3, "vip": 2})
    assert count_tags(lists, TagTree()) == Counter({"domain:hotel": 3, "domain:train": 3, "vip": 2})
