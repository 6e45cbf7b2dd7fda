"""Datasets: content-hashed, immutable, split by conversation, weighted, without personal data; kills leave
nothing half."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap

import pytest
from sqlmodel import select

from feedback.datasets.build import Selection, build_dataset, read_dataset_manifest, read_split
from feedback.datasets.errors import DatasetMissing, NothingSelected
from feedback.datasets.twins import find_leaks
from feedback.records.split import split_of
from feedback.store.engine import read
from feedback.store.tables import Dataset
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.desk import make_desk, put_set
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.formats.files import CLOCK, SHARED, bring_in, choice, thumb, write

SPLITS = ("train", "validation", "test")


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def build(engine, data, **options):
    return build_dataset(engine, data_dir=data, clock=CLOCK, **options)


def bring(engine, tmp_path, *lines, kind="choices"):
    name = hashlib.sha256(json.dumps(lines).encode()).hexdigest()[:12]
    return bring_in(engine, write(tmp_path / f"{name}.jsonl", *lines), kind)


def ask(text):
    return [{"role": "user", "content": text}]


def all_of(info, kind):
    return [record for split in SPLITS for record in read_split(info.path, kind, split)]


def test_a_dataset_is_named_by_its_content_and_written_once(store_engine, tmp_path, data):
    bring(store_engine, tmp_path, *(choice(number) for number in range(30)))
    first = build(store_engine, data)
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in first.path.iterdir()}
    later = FrozenClock(START)
    later.advance(86_400)
    again = build_dataset(store_engine, data_dir=data, clock=later)
    assert (first.is_new, again.is_new, again.id) == (True, False, first.id)
    assert first.path == data / "datasets" / first.id and len(first.id) == 64
    assert {
        path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in first.path.iterdir()
    } == before
    lines = ["choices.jsonl", "pairs.jsonl", "thumbs.jsonl"]
    assert sorted(before) == sorted(["README.md", *lines, "duplicates.json", "manifest.json", "members.idx"])
    assert [path.name for path in (data / "datasets").iterdir()] == [first.id]
    with read(store_engine) as session:
        (row,) = session.exec(select(Dataset)).all()
    assert (row.id, row.counts["choices"]["all"], row.created_at) == (first.id, 30, START)


@pytest.mark.real
def test_the_order_of_import_makes_no_other_dataset(sqlite_engine, postgres_engine, tmp_path):
    """Not even on another database with other sorting rules."""
    names = ["b-1", "a-1", "B-1", "Ä-1", "a_1", "中-1"]
    lines = [choice(1, id=name) for name in names]
    bring(sqlite_engine, tmp_path, *lines)
    for line in reversed(lines):
        bring(postgres_engine, tmp_path, line)
    here, there = build(sqlite_engine, tmp_path / "here"), build(postgres_engine, tmp_path / "there")
    assert here.id == there.id
    assert [record["id"] for record in all_of(here, "choices")] == [
        record["id"] for record in all_of(there, "choices")
    ]


def test_splits_follow_the_conversation_and_never_move(sqlite_engine, tmp_path, data):
    lines = [
        choice(number, id=f"talk{number}-{turn}", prompt=ask(f"Where is order {number}.{turn}?"))
        for number in range(150)
        for turn in range(2)
    ]
    bring(sqlite_engine, tmp_path, *lines[:150])
    small = build(sqlite_engine, data)
    bring(sqlite_engine, tmp_path, *lines)
    large = build(sqlite_engine, data)
    assert large.id != small.id and small.path.exists()
    before = {record["id"]: record["split"] for record in all_of(small, "choices")}
    after = {record["id"]: record["split"] for record in all_of(large, "choices")}
    assert len(before) == 150 and len(after) == 300
    assert all(after[name] == split for name, split in before.items())
    assert all(record["split"] == split_of(record["conversation"]) for record in all_of(large, "choices"))
    assert all(record["split"] == split_of(record["group"]) for record in all_of(large, "pairs"))
    assert set(after.values()) == set(SPLITS)


def test_counts_are_those_of_the_lines(sqlite_engine, tmp_path, data):
    bring(sqlite_engine, tmp_path, *(choice(number) for number in range(60)))
    bring(
        sqlite_engine,
        tmp_path,
        *(choice(n, picked=[], own="By hand, and at some length.") for n in range(60, 70)),
    )
    info = build(sqlite_engine, data)
    for kind in ("choices", "pairs", "thumbs"):
        counted = {split: sum(1 for _ in read_split(info.path, kind, split)) for split in SPLITS}
        assert info.counts[kind] == counted | {"all": sum(counted.values())}
    assert info.counts["pairs"]["all"] == 60 * 2 + 10 * 3
    assert info.counts["kinds"] == {"own": 10, "pick": 60}
    assert (info.counts["agents"], info.counts["conversations"]) == (10, 70)
    (source,) = {record["source"] for record in all_of(info, "choices")}
    assert info.counts["sources"] == {source: info.counts["choices"]}
    manifest = read_dataset_manifest(info.path)
    assert manifest["id"] == info.id and manifest["counts"] == info.counts
    content = (info.path / "pairs.jsonl").read_bytes()
    assert manifest["files"]["pairs"] == "sha256:" + hashlib.sha256(content).hexdigest()


def test_weights_stand_on_choices_and_their_pairs(sqlite_engine, tmp_path, data):
    long = [choice(1, id=f"long-{number}", prompt=ask(f"Where is {number}?")) for number in range(10)]
    bring(sqlite_engine, tmp_path, *long, choice(2, picked=[], own="By hand, and at some length."))
    info = build(sqlite_engine, data)
    weights = {record["id"]: record["weight"] for record in all_of(info, "choices")}
    assert weights["talk2-1"] == 0.5
    # Ten of one conversation share five. agent1 then has 5 of 5.5, over the 0.75 of two agents: 3 x 0.5.
    assert weights["long-3"] == pytest.approx(0.15)
    assert all(pair["weight"] == weights[pair["id"].split("/")[0]] for pair in all_of(info, "pairs"))


def test_equal_candidates_are_merged_before_anything_is_written(sqlite_engine, tmp_path, data):
    bring(
        sqlite_engine,
        tmp_path,
        choice(1, candidates=[{"text": "No."}, {"text": "Yes."}, {"text": "no."}], picked=[2]),
    )
    (record,) = all_of(build(sqlite_engine, data), "choices")
    assert [reply["text"] for reply in record["candidates"]] == ["no.", "Yes."] and record["picked"] == [0]


def test_a_selection_takes_sources_tags_and_times(sqlite_engine, tmp_path, data):
    old = choice(3, at="2026-01-01T00:00:00Z")
    timeless = choice(4, at=None)
    bring(sqlite_engine, tmp_path, choice(1), choice(2, source="other", tags=["vip", "shop"]), old, timeless)

    def ids(**selection):
        return [
            r["id"] for r in all_of(build(sqlite_engine, data, selection=Selection(**selection)), "choices")
        ]

    assert sorted(ids()) == ["talk1-1", "talk2-1", "talk3-1", "talk4-1"]
    assert ids(sources=("other",)) == ["talk2-1"]
    assert ids(tags=("vip", "gone")) == ["talk2-1"]
    assert sorted(ids(since=START.replace(month=6))) == ["talk1-1", "talk2-1"]
    for nothing in ({"sources": ("live",)}, {"tags": ("gone",)}, {"sources": ("gone",)}):
        with pytest.raises(NothingSelected, match="no choice, pair or thumb"):
            ids(**nothing)


def test_records_without_a_time_are_counted_where_a_time_is_asked_for(sqlite_engine, tmp_path, data):
    others = choice(6, at=None, tags=["gone"]), choice(7, at="2026-01-01T00:00:00Z")
    bring(sqlite_engine, tmp_path, choice(1), choice(4, at=None), choice(5, at=None), *others)
    info = build(sqlite_engine, data, selection=Selection(tags=("shop",), since=START.replace(month=6)))
    assert info.refusals == {"no_time": 2}
    assert build(sqlite_engine, data, selection=Selection(tags=("shop",))).refusals == {}


def test_an_empty_store_is_no_dataset(sqlite_engine, data):
    with pytest.raises(NothingSelected):
        build(sqlite_engine, data)
    assert list((data / "datasets").iterdir()) == []


def test_up_and_down_on_one_prompt_become_a_pair_and_the_rest_stays_unpaired(sqlite_engine, tmp_path, data):
    train = [name for name in (f"g{number}" for number in range(40)) if split_of(name) == "train"]
    test = next(name for name in (f"g{number}" for number in range(400)) if split_of(name) == "test")
    lines = [
        thumb(1, True, "It leaves today.", group=train[0]),
        thumb(2, False, "No idea.", group=train[1]),
        thumb(3, False, "Read the page.", group=train[0]),
        thumb(4, True, "Gladly.", group=train[2], prompt=[{"role": "user", "content": "Another question?"}]),
        thumb(5, False, "Never.", group=test, prompt=[{"role": "user", "content": "Another question?"}]),
    ]
    bring(sqlite_engine, tmp_path, *lines, kind="thumbs")
    info = build(sqlite_engine, data)
    (pair,) = all_of(info, "pairs")
    assert pair["id"] == "thumb1-1/thumb2-1" and pair["kind"] == "thumbs" and pair["weight"] == 0.3
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("It leaves today.", "No idea.")
    unpaired = all_of(info, "thumbs")
    assert sorted(record["id"] for record in unpaired) == ["thumb3-1", "thumb4-1", "thumb5-1"]
    assert unpaired[0]["completion"] == [{"role": "assistant", "content": "Read the page."}]
    assert unpaired[0]["label"] is False
    assert info.refusals == {"split_across": 1}


def test_personal_data_and_the_token_ids_that_an_import_claims_leave_no_trace(sqlite_engine, tmp_path, data):
    line = choice(
        1,
        prompt=[{"role": "user", "content": "Order 5551234567, call 13812345678 or ann@mail.example"}],
        prompt_token_ids=[1, 2],
        base_id="b" * 64,
        candidates=[
            {"text": "We call 13812345678.", "token_ids": [3]},
            {"text": "We write today.", "token_ids": [4]},
        ],
        meta={"draft": "13812345678"},
    )
    bring(sqlite_engine, tmp_path, line)
    info = build(sqlite_engine, data)
    for path in info.path.iterdir():
        assert "13812345678" not in path.read_text() and "ann@" not in path.read_text()
    (record,) = all_of(info, "choices")
    assert record["prompt"][0]["content"].startswith("Order 5551234567, call 1")
    assert not {"prompt_token_ids", "base_id"} & set(record)
    assert not any("token_ids" in candidate for candidate in record["candidates"])


def test_imported_pairs_are_weighed_and_refused_like_others(sqlite_engine, tmp_path, data):
    def pair(number, **fields):
        reply = {"role": "assistant", "content": f"Reply number {number} is good."}
        other = {"role": "assistant", "content": "This one is not."}
        prompt = [{"role": "user", "content": "Which?"}]
        return {"id": f"p{number}-1", "prompt": prompt, "chosen": [reply], "rejected": [other]} | fields

    bring(
        sqlite_engine,
        tmp_path,
        pair(1),
        pair(2, weight=0.25, meta={"group": "g", "draft": "x"}),
        kind="pairs",
    )
    records = {record["id"]: record for record in all_of(build(sqlite_engine, data), "pairs")}
    assert records["p1-1"]["weight"] == 1.0 and records["p1-1"]["group"] == "p1"
    assert records["p2-1"]["weight"] == 0.25 and records["p2-1"]["group"] == "g"
    assert "meta" not in records["p2-1"] and records["p2-1"]["kind"] == "pair"


def test_reasons_and_comments_leave_with_the_records_without_personal_data(store_engine, tmp_path, data):
    desk = make_desk(store_engine, tmp_path)
    for said in ({"reasons": ["tone", "ann@mail.example"]}, {}):
        opened, shown = desk.open_ready()
        message_id = desk.pick(shown, **said).json["message_id"]
        desk.clock.advance(6)
        thumbed = said and said | {"comment": "Call 13812345678, it is wrong."}
        desk.post(f"/v1/messages/{message_id}/thumbs", opened["visitor_token"], value=-1, **thumbed)
    desk.clock.advance(60)
    give_prompts(desk)
    info = build_dataset(desk.engine, data_dir=data, clock=desk.clock)
    choices, thumbs = all_of(info, "choices"), all_of(info, "thumbs")
    assert sorted(("reasons" in each, "comment" in each) for each in choices) == [
        (False, False),
        (True, False),
    ]
    assert sorted(("reasons" in each, "comment" in each) for each in thumbs) == [(False, False), (True, True)]
    (judged,) = [each for each in choices if "reasons" in each]
    (thumb_down,) = [each for each in thumbs if "reasons" in each]
    assert judged["reasons"][0] == thumb_down["reasons"][0] == "tone"
    assert thumb_down["comment"].startswith("Call ") and thumb_down["comment"].endswith(", it is wrong.")
    text = json.dumps([choices, thumbs])
    assert "13812345678" not in text and "ann@" not in text


def test_live_judgements_and_thumbs_are_in_the_dataset(store_engine, tmp_path, data):
    desk = make_desk(store_engine, tmp_path)
    opened, shown = desk.open_ready()
    sent = desk.pick(shown, 1).json
    handmade = desk.open_ready()
    own = desk.judge(handmade[1], "own", text="Something else entirely, written by hand.").json
    desk.judge(desk.open_ready()[1], "none")
    desk.clock.advance(60)
    for message, value in ((sent, 1), (own, -1)):
        assert desk.post(f"/v1/messages/{message['message_id']}/thumbs", value=value).status_code == 201
    give_prompts(desk)

    info = build_dataset(desk.engine, data_dir=data, clock=desk.clock, selection=Selection(sources=("live",)))
    choices = {record["id"]: record for record in all_of(info, "choices")}
    assert choices[sent["judgement_id"]]["picked"] == [1]
    assert choices[sent["judgement_id"]]["conversation"] == opened["conversation_id"]
    assert choices[own["judgement_id"]]["kind"] == "own"
    assert info.refusals.get("none") == 1
    marks = all_of(info, "thumbs")
    couples = [pair for pair in all_of(info, "pairs") if pair["kind"] == "thumbs"]
    if couples:  # the two conversations fell into one split
        assert not marks and couples[0]["chosen"][0]["content"] == "Tuned one."
    else:
        arms = {mark["completion"][0]["content"]: mark.get("arm") for mark in marks}
        assert arms == {"Tuned one.": "tuned", "Something else entirely, written by hand.": None}


def test_what_the_app_knows_of_its_customer_is_replaced(store_engine, tmp_path, data):
    desk = make_desk(store_engine, tmp_path)
    opened = desk.open("Ann Lee here, c-20931. Where?", customer_details=["Ann Lee"], customer_id="c-20931")
    prompt = [{"role": "user", "content": "Ann Lee here, c-20931. Where?"}]
    put_set(desk.engine, opened["turn_id"], messages=prompt)
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    assert desk.judge(shown, "own", text="Dear Ann, it is on its way.").status_code == 201
    (choice,) = all_of(build_dataset(desk.engine, data_dir=data, clock=desk.clock), "choices")
    assert not any(name in str(choice) for name in ("Ann", "Lee", "20931"))
    name = choice["prompt"][-1]["content"].split()[0]
    assert choice["own"] == f"Dear {name}, it is on its way."


@pytest.mark.parametrize(("dwell_ms", "weight"), [(700, 0.3), (4_200, 1.0), (None, 1.0)])
def test_a_hasty_live_pick_counts_less(sqlite_engine, tmp_path, data, dwell_ms, weight):
    desk = make_desk(sqlite_engine, tmp_path)
    assert desk.pick(desk.open_ready()[1], 1, dwell_ms=dwell_ms).status_code == 201
    desk.clock.advance(60)
    give_prompts(desk)
    info = build_dataset(desk.engine, data_dir=data, clock=desk.clock)
    (record,) = all_of(info, "choices")
    assert (record.get("dwell_ms"), record["weight"]) == (dwell_ms, weight)
    assert read_dataset_manifest(info.path)["weights"]["fast_ms"] == 1_500


def test_a_hasty_imported_pick_counts_less(sqlite_engine, tmp_path, data):
    bring(sqlite_engine, tmp_path, choice(1, dwell_ms=700), choice(2, annotator="agent1"))
    weights = {record["id"]: record["weight"] for record in all_of(build(sqlite_engine, data), "choices")}
    assert weights == {"talk1-1": 0.3, "talk2-1": 1.0}


def test_a_missing_dataset_is_named(tmp_path):
    with pytest.raises(DatasetMissing, match="no dataset at"):
        read_split(tmp_path / "gone", "pairs", "train")
    with pytest.raises(DatasetMissing):
        read_dataset_manifest(tmp_path / "gone")


KILLED = """
import os, signal, sys
from pathlib import Path
from feedback.store.engine import open_engine
from tests.feedback.formats.files import CLOCK
from feedback.datasets import build

build.Building.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
build.build_dataset(open_engine(sys.argv[1]), data_dir=Path(sys.argv[2]), clock=CLOCK)
"""


def test_a_killed_build_leaves_nothing_and_the_next_sweeps_up(sqlite_engine, tmp_path, data):
    bring(sqlite_engine, tmp_path, choice(1), choice(2))
    url = sqlite_engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), url, str(data)]
    killed = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": os.getcwd()})
    assert killed.returncode == -9
    (left,) = (data / "datasets").iterdir()
    assert left.name.startswith(".building-")
    info = build(sqlite_engine, data)
    assert [path.name for path in (data / "datasets").iterdir()] == [info.id]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data files are not beside the repository")
def test_the_picks_of_star_make_a_dataset(sqlite_engine, data):
    """37,906 real picks of 107 agents in 5,087 dialogues: 377 are left out, since their prompts are nearly
    those of held-out ones; no split moves, no leak is left, and shares are as promised. The 10,376 pairs that
    were made from the same picks are copies."""
    report = bring_in(sqlite_engine, SHARED / "choices_star.jsonl.gz")
    assert (report.accepted, dict(report.refused)) == (37_906, {})
    assert bring_in(sqlite_engine, SHARED / "preferences_star.jsonl.gz", "pairs").accepted == 10_376
    info = build(sqlite_engine, data)
    counts = info.counts["choices"]
    assert counts == {"train": 30_776 - 339, "validation": 3_683 - 38, "test": 3_447, "all": 37_529}
    assert info.counts["pairs"]["all"] == 71_757 and info.refusals == {"copy": 10_376, "twin_held_out": 377}
    assert find_leaks(info.path) == []
    assert (info.counts["agents"], info.counts["conversations"]) == (107, 5_087 - 7)
    by_agent: dict[str, float] = {}
    by_conversation: dict[str, float] = {}
    for record in all_of(info, "choices"):
        by_agent[record["annotator"]] = by_agent.get(record["annotator"], 0.0) + record["weight"]
        name = record["conversation"]
        by_conversation[name] = by_conversation.get(name, 0.0) + record["weight"]
    assert max(by_agent.values()) <= 0.2 * sum(by_agent.values()) + 1e-3
    assert max(by_conversation.values()) <= 5.0 + 1e-3


def test_an_import_states_switches_of_the_template_and_nothing_else(sqlite_engine, tmp_path, data):
    switches = {"enable_thinking": True, "date_string": "05 Nov 2026"}
    stated = {"documents": [{"text": "Obey."}], "custom_tools": "Obey.", "thinking": "x" * 41, **switches}
    lines = [choice(number, chat_template_kwargs=stated) for number in range(10)]
    bring(sqlite_engine, tmp_path, *lines)
    found = all_of(build(sqlite_engine, data), "choices")
    assert [line["chat_template_kwargs"] for line in found] == [switches] * 10
