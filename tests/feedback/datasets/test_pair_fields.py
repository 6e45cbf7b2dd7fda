"""What a pair tells of where it comes from, what a selection takes by it, and the counts that follow."""

from itertools import chain

import pytest
from sqlmodel import select

from feedback.datasets.build import Selection, build_dataset, read_dataset_manifest, read_split
from feedback.datasets.errors import NothingSelected
from feedback.records.split import split_of
from feedback.store.engine import read
from feedback.store.tables import Record
from tests.feedback.formats.files import CLOCK, bring_in, choice, thumb, write

SPLITS = ("train", "validation", "test")


def pair(number=1, **fields):
    says = [{"role": "assistant", "content": text} for text in ("It leaves today.", "No idea at all.")]
    asks = [{"role": "user", "content": ("When does it come?", "Which colour is it?")[number - 1]}]
    body = {"id": f"pair{number}-1", "source": "bought", "prompt": asks}
    return body | {"chosen": says[:1], "rejected": says[1:], "group": f"pair{number}"} | fields


@pytest.fixture
def engine(sqlite_engine, tmp_path):
    told = {"language": "zh-CN", "tags": ["refund", "vip"], "annotator": "li"}
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *(choice(number) for number in range(3))))
    bring_in(sqlite_engine, write(tmp_path / "p.jsonl", pair(1, **told), pair(2)), "pairs")
    up = thumb(1, True, group="a", language="en", tags=["praise"])
    other = thumb(2, True, "Gladly.", group="b", prompt=[{"role": "user", "content": "Thanks?"}])
    bring_in(sqlite_engine, write(tmp_path / "t.jsonl", up, other), "thumbs")
    return sqlite_engine


def build(engine, tmp_path, **selection):
    return build_dataset(engine, data_dir=tmp_path / "d", clock=CLOCK, selection=Selection(**selection))


def ids(info):
    rows = chain.from_iterable(
        read_split(info.path, kind, split)
        for kind in ("choices", "pairs", "thumbs")
        for split in SPLITS
        if (info.path / f"{kind}.jsonl").is_file()
    )
    return sorted(row["id"] for row in rows if "/" not in row["id"])


def test_every_pair_tells_tags_language_and_annotator(engine, tmp_path):
    info = build(engine, tmp_path)
    rows = {row["id"]: row for split in SPLITS for row in read_split(info.path, "pairs", split)}
    told = {name: (row["tags"], row["language"], row["annotator"]) for name, row in rows.items()}
    assert told["pair1-1"] == (["refund", "vip"], "zh-CN", "li")
    assert told["pair2-1"] == ([], "", "")
    assert told["talk1-1/0>1"] == (["shop"], "en", "agent1")


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        ({"languages": ("zh",)}, ["pair1-1"]),
        ({"languages": ("zh-CN",)}, ["pair1-1"]),
        ({"languages": ("zh-TW",)}, []),
        ({"languages": ("en", "ZH")}, ["pair1-1", "talk0-1", "talk1-1", "talk2-1", "thumb1-1"]),
        ({"without_tags": ("shop", "praise")}, ["pair1-1", "pair2-1", "thumb2-1"]),
        ({"tags": ("refund", "shop"), "without_tags": ("vip",)}, ["talk0-1", "talk1-1", "talk2-1"]),
    ],
)
def test_a_selection_takes_languages_and_leaves_out_tags(engine, tmp_path, selection, taken):
    if not taken:
        with pytest.raises(NothingSelected):
            build(engine, tmp_path, **selection)
        return
    info = build(engine, tmp_path, **selection)
    assert ids(info) == taken
    told = read_dataset_manifest(info.path)["selection"]
    assert {name: told[name] for name in selection} == {name: sorted(of) for name, of in selection.items()}
    assert Selection.from_json(told).to_json() == told


def test_the_manifest_counts_records_by_tag_language_and_source_in_each_split(engine, tmp_path):
    manifest = read_dataset_manifest(build(engine, tmp_path).path)
    zeros = dict.fromkeys((*SPLITS, "all"), 0)

    def count(*conversations):
        counted = dict(zeros)
        for name in conversations:
            counted[split_of(name)] += 1
            counted["all"] += 1
        return counted

    talks = ("talk0", "talk1", "talk2")
    assert manifest["tags"] == {
        "": count("pair2", "b"),
        "praise": count("a"),
        "refund": count("pair1"),
        "shop": count(*talks),
        "vip": count("pair1"),
    }
    assert manifest["counts"]["languages"] == {
        "": count("pair2", "b"),
        "en": count(*talks, "a"),
        "zh-CN": count("pair1"),
    }
    assert manifest["counts"]["sources"] == {
        "bought": count("pair1", "pair2"),
        "test": count(*talks, "a", "b"),
    }


def test_pairs_that_come_in_again_have_no_empty_language_and_nobody_as_annotator(engine, tmp_path):
    info = build(engine, tmp_path, sources=("bought",))
    bring_in(engine, info.path / "pairs.jsonl", "pairs", source="again")
    manifest = read_dataset_manifest(build(engine, tmp_path, sources=("again",)).path)
    assert manifest["counts"]["agents"] == 1  # li
    with read(engine) as session:
        rows = session.exec(select(Record).where(Record.source == "again"))
        assert {row.identity: row.language for row in rows} == {"pair1-1": "zh-CN", "pair2-1": None}


def test_a_selection_by_language_takes_what_was_found_on_import(sqlite_engine, tmp_path):
    shoes, parcel = (
        [{"role": "user", "content": text}]
        for text in ("这双鞋我最晚哪一天可以退回？", "我的包裹已经发出了吗？")
    )
    choices = choice(1, conversation="a", prompt=shoes, language=None), choice(3)
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *choices))
    bring_in(sqlite_engine, write(tmp_path / "t.jsonl", thumb(2, conversation="b", prompt=parcel)), "thumbs")
    info = build(sqlite_engine, tmp_path, languages=("zh",))
    assert {id.split("/")[0] for id in ids(info)} == {"talk1-1", "thumb2-1"}
    rows = [row for split in SPLITS for row in read_split(info.path, "pairs", split)]
    assert [row["language"] for row in rows] == ["zh", "zh"]  # the pick against each of the two others
