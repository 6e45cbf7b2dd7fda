"""What changed between two versions, counted by hand: what came in, what left, and why."""

import pytest
from sqlalchemy import delete, update
from sqlmodel import select

from feedback.datasets.build import Selection, build_dataset
from feedback.datasets.diff import compare_datasets
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import dataset_file
from feedback.datasets.movements import diff_datasets
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from feedback.store.engine import unit_of_work
from feedback.store.tables import Record, Source
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.desk import make_desk
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.formats.files import choice, thumb, write


@pytest.fixture
def clock():
    return FrozenClock(START)


@pytest.fixture
def grow(store_engine, tmp_path, clock):
    """Brings in lines an hour after what came before."""

    def go(*lines, kind="choices"):
        clock.advance(3600)
        path = write(tmp_path / f"{clock.now():%H%M}.jsonl", *lines)
        import_file(store_engine, path, asked=Asked(kind), clock=clock)

    return go


@pytest.fixture
def build(store_engine, tmp_path, clock):
    def go(**selection):
        clock.advance(60)
        chosen = Selection(**selection)
        return build_dataset(store_engine, data_dir=tmp_path, clock=clock, selection=chosen).id

    return go


@pytest.fixture
def diff(store_engine, tmp_path):
    def go(old, new):
        return diff_datasets(store_engine, data_dir=tmp_path, desk_id="default", old=old, new=new)

    return go


def test_what_is_new_is_counted_by_form_source_tag_and_split_with_examples(grow, build, diff):
    grow(*(choice(number) for number in range(5)))
    old = build()
    grow(choice(5, tags=["vip", "shop"]), choice(6, source="bought", tags=[], language="zh"))
    grow(thumb(1, group="a"), kind="thumbs")
    found = diff(old, build())
    assert (found.kept, found.left.total, found.resplit, found.refusals) == (5, 0, [], {})
    came = found.came.to_json()
    assert came["total"] == 3
    assert came["by"]["form"] == {"choice": 2, "thumb": 1}
    assert came["by"]["source"] == {"test": 2, "bought": 1}
    assert came["by"]["tag"] == {"": 2, "vip": 1, "shop": 1}
    assert came["by"]["language"] == {"en": 1, "zh": 1, "": 1}
    assert came["by"]["why"] == {"new": 3}
    assert sum(came["by"]["split"].values()) == 3
    assert [(each["source"], each["id"]) for each in came["examples"]] == [
        ("bought", "talk6-1"),
        ("test", "talk5-1"),
        ("test", "thumb1-1"),
    ]


def test_another_selection_and_records_that_are_gone_say_why_others_left(store_engine, grow, build, diff):
    grow(choice(1), choice(2, tags=["spam"]), choice(3), choice(4, language="zh"), choice(5, at=None))
    whole, chosen = build(), build(without_tags=("spam",), languages=("en",))
    found = diff(whole, chosen)
    assert found.left.by["why"] == {"not_selected": 2} and found.kept == 3
    assert diff(chosen, whole).came.by["why"] == {"not_selected": 2}
    with unit_of_work(store_engine) as session:
        session.execute(delete(Record).where(Record.identity == "talk3-1"))
        row = session.exec(select(Record).where(Record.identity == "talk1-1")).one()
        row.body = row.body | {"picked": [], "own": " "}
    found = diff(whole, build())
    assert {each.id: each.why for each in found.left.examples} == {
        "talk3-1": "gone",
        "talk1-1": "blank_text",
    }
    assert found.refusals == {"blank_text": (0, 1)}


def test_what_was_undone_or_came_from_a_source_that_is_paused_now_says_so(
    store_engine, tmp_path, clock, grow, build, diff
):
    desk = make_desk(store_engine, tmp_path)
    _, shown = desk.open_ready()
    judged = desk.pick(shown, 1).json
    desk.clock.advance(60)
    give_prompts(desk)
    grow(choice(1), choice(2, source="bought"))
    clock.advance(3600)
    old = build()
    with unit_of_work(store_engine) as session:
        session.execute(update(Source).where(Source.name == "bought").values(state="paused"))
        session.execute(delete(Record).where(Record.source == "bought"))
    answer = desk.post(f"/v1/judgements/{judged['judgement_id']}/undo", "agent")
    assert answer.status_code in (200, 201), answer.text
    left = diff(old, build()).left
    assert {each.id: each.why for each in left.examples} == {
        judged["judgement_id"]: "undone",
        "talk2-1": "source_paused",
    }


def test_thumbs_that_became_a_pair_are_still_the_same_records(grow, build, diff):
    grow(thumb(1, True, group="a"), kind="thumbs")
    old = build()
    grow(thumb(2, False, "No idea.", group="b"), kind="thumbs")
    found = diff(old, build())
    assert (found.kept, found.left.total, found.came.by["form"]) == (1, 0, {"thumb": 1})


def test_a_dataset_without_files_is_named(grow, build, diff, tmp_path):
    grow(choice(1))
    old = build()
    grow(choice(2))
    new = build()
    for path in (tmp_path / "datasets" / old).iterdir():
        path.unlink()
    with pytest.raises(DatasetMissing, match=old):
        diff(old, new)
    assert not dataset_file(tmp_path / "datasets" / old, "choices").exists()
    with pytest.raises(DatasetMissing):
        compare_datasets(tmp_path, tmp_path, why_came=list, why_left=list)
