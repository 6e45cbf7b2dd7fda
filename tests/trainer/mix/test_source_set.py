"""A stored source as a general set: which of its replies are learnt, and when it is refused, by hand."""

import json

import pytest

from feedback.datasets.build import build_dataset
from feedback.datasets.layout import dataset_dir
from feedback.erasure.erase import ErasureRequest, erase, finish
from feedback.records.split import split_of
from feedback.store.engine import unit_of_work
from feedback.store.erasures import find_conversation
from feedback.store.sources import change_source_state
from feedback.store.tables import Run
from serving.settings import ServingSettings
from tests.databases import START
from tests.feedback.builders import add_adapter
from tests.feedback.formats.files import CLOCK, bring_in, write
from tests.trainer.conftest import TINY
from tests.trainer.nights import LAX, ask_and_claim
from tests.trainer.tiny import QUESTIONS, WARM
from trainer.context import NightContext
from trainer.errors import RecipeRefused
from trainer.jobs.pipeline import note_source
from trainer.mix.source_set import read_source, take_in_source
from trainer.recipes.mix import Mix
from trainer.recipes.recipe import build_recipe, recall_recipe
from trainer.settings import TrainerSettings

WHERE = {"clock": CLOCK, "desk_id": "default"}


def bring(engine, tmp_path, source, count, by="agent"):
    """Conversations of one question and one answer; returns the numbers of those in the train split."""
    talks = [
        {"id": f"{source}{number}", "turns": [{"role": "customer", "text": QUESTIONS[number]},
                                              {"role": by, "text": f"{source} {number} . {WARM[0]}"}]}
        for number in range(count)
    ]  # fmt: skip
    bring_in(engine, write(tmp_path / f"{source}.jsonl", *talks), "conversations", source=source)
    return [number for number in range(count) if split_of(f"{source}{number}") == "train"]


def mix_of(source, **changes):
    return TINY.model_copy(update={"objective": "sft", "mix": Mix(source=source, ratio=5), **changes})


def test_the_train_split_of_a_source_is_its_general_set(sqlite_engine, tmp_path):
    train = bring(sqlite_engine, tmp_path, "star", 20)
    bring(sqlite_engine, tmp_path, "shop", 5)
    assert 0 < len(train) < 20
    noted = take_in_source(mix_of("star"), sqlite_engine, data_dir=tmp_path, **WHERE)
    assert noted.mix is not None and noted.mix.sha256 is not None
    found = read_source("star", noted.mix.sha256, dataset_dir(tmp_path, "0" * 64))
    said = {tuple((each.role, each.content) for each in line.messages) for line in found.lines}
    assert said == {
        (("user", QUESTIONS[number]), ("assistant", f"star {number} . {WARM[0]}")) for number in train
    }
    assert (found.name, found.sha256) == ("star", noted.mix.sha256)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("moon", "'moon' is no source of this desk; it has bots, star"),
        ("live", "'live' is what people do here"),
        ("star", "the source 'star' is withdrawn; resume it, or name another one"),
        ("bots", r"the source 'bots' has no reply .* a person wrote .*left out: 4 not_by_person"),
    ],
)
def test_a_source_that_gives_nothing_is_refused_with_its_values(sqlite_engine, tmp_path, source, fault):
    bring(sqlite_engine, tmp_path, "star", 4)
    bring(sqlite_engine, tmp_path, "bots", 4, by="bot")
    told = {"name": "star", "state": "withdrawn", "actor": "eva", "reason": "gone", "now": START}
    with unit_of_work(sqlite_engine) as session:
        change_source_state(session, desk_id="default", **told)
    with pytest.raises(RecipeRefused, match=rf"mix\.source: {fault}"):
        take_in_source(mix_of(source), sqlite_engine, data_dir=tmp_path, **WHERE)


@pytest.mark.parametrize("mix", [{}, {"general": "general.jsonl", "source": "star"}])
def test_a_mix_names_a_file_or_a_source(mix):
    with pytest.raises(RecipeRefused, match="name one of general"):
        build_recipe({"name": "here", "objective": "sft", "mix": mix})


@pytest.fixture
def ctx(sqlite_engine, base, tmp_path):
    serving = ServingSettings(base_model=str(base))
    told = {"fleet_factory": lambda: None, "clock": CLOCK, "desk_id": "default", "policy": LAX}
    return NightContext(sqlite_engine, tmp_path, TrainerSettings(), serving, **told)


def test_a_run_keeps_the_dataset_of_its_source(ctx, tmp_path):
    bring(ctx.store_engine, tmp_path, "star", 9)
    token = ask_and_claim(ctx)
    noted = note_source(ctx, token, mix_of("star"))
    assert noted.mix is not None
    kept = ctx.read_run(token.run_id).recipe
    assert kept["mix"] == {"source": "star", "ratio": 5.0, "sha256": noted.mix.sha256}
    bring(ctx.store_engine, tmp_path, "star", 15)  # what comes in meanwhile is none of this run
    assert note_source(ctx, token, recall_recipe(kept, token.run_id)) == noted


def test_erasing_somebody_of_a_mixed_source_finds_what_the_run_left_and_its_adapter(ctx, tmp_path):
    train = bring(ctx.store_engine, tmp_path, "star", 9)
    token = ask_and_claim(ctx)
    noted = note_source(ctx, token, mix_of("star"))
    folder = dataset_dir(tmp_path, noted.mix.sha256)
    rows = tmp_path / "runs" / token.run_id / "replies.jsonl"
    rows.parent.mkdir(parents=True)
    rows.write_text("{}")
    with unit_of_work(ctx.store_engine) as session:
        add_adapter(session, "tuned-1", run_id=token.run_id)
        run = session.get_one(Run, token.run_id)
        run.state, run.adapter = "done", "tuned-1"
        subject = find_conversation(session, desk_id="default", conversation_id=f"star{train[0]}")
        asked = ErasureRequest("conversation", "eva", "default", tmp_path)
        erasure = erase(session, subject, asked, now=START)
        assert erasure.datasets == [noted.mix.sha256]
    where = {"data_dir": tmp_path, "backup_dir": None, "clock": CLOCK}
    proof = finish(ctx.store_engine, erasure.id, **where)
    assert not rows.exists() and not (folder / "texts.jsonl").exists()
    left = [each["name"] for each in json.loads(proof.read_text())["left"] if each["what"] == "adapter"]
    assert left == ["tuned-1"]


def test_what_is_mixed_in_is_neither_learnt_as_its_own_nor_held_out(base, sqlite_engine, tmp_path):
    from transformers import AutoTokenizer

    from trainer.objectives.sft import read_text_data

    star, shop = bring(sqlite_engine, tmp_path, "star", 20), bring(sqlite_engine, tmp_path, "shop", 30)
    own = build_dataset(sqlite_engine, data_dir=tmp_path, **WHERE)
    tokenizer = AutoTokenizer.from_pretrained(base)
    noted = take_in_source(mix_of("star", min_texts=4), sqlite_engine, data_dir=tmp_path, **WHERE)
    data = read_text_data(own.path, tokenizer, noted)
    mixed = data.mixed
    assert mixed is not None and len(mixed.rows) == min(round(len(shop) / 5), len(star)) > 0
    assert len(data.found.examples) == len(shop) + len(mixed.rows)
    rows = [*data.found.examples[: len(shop)], *data.held_out.examples]
    spoken = [tokenizer.decode([id for id in row["labels"] if id >= 0]) for row in rows]
    assert len(rows) > len(shop) and all("shop" in text and "star" not in text for text in spoken)
    told = mixed.to_json()
    assert (told["name"], told["sha256"]) == ("star", noted.mix and noted.mix.sha256)
