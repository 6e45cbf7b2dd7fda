"""A dataset out of the service: the same bytes plain or packed, and the libraries that read it as it is."""

import gzip
import json

import pytest

from feedback.datasets.build import build_dataset
from feedback.datasets.export import iterate_export, write_export
from feedback.formats.errors import DatasetFilesMissing, FormatUnknown
from tests.feedback.formats.files import CLOCK, bring_in, choice, thumb, write


@pytest.fixture
def built(sqlite_engine, tmp_path):
    """Forty choices in forty conversations and eight thumbs."""
    data = tmp_path / "data"
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *(choice(number) for number in range(40))))
    edited = choice(50, edited="It leaves today, and I am sorry that it took so long.", source="edits")
    bring_in(sqlite_engine, write(tmp_path / "e.jsonl", edited))
    thumbs = (thumb(number, number % 2 == 0, text=f"Reply {number}.") for number in range(8))
    bring_in(sqlite_engine, write(tmp_path / "t.jsonl", *thumbs), "thumbs")
    return data, build_dataset(sqlite_engine, data_dir=data, clock=CLOCK)


@pytest.mark.parametrize("format", ["choices", "pairs", "thumbs"])
def test_plain_packed_and_streamed_exports_are_the_same_lines(built, tmp_path, format):
    data, info = built
    plain, packed = tmp_path / "out" / "x.jsonl", tmp_path / "x.jsonl.gz"
    size = write_export(data, info.id, format=format, out=plain)
    write_export(data, info.id, format=format, out=packed)
    streamed = b"".join(iterate_export(data, info.id, format))
    assert plain.read_bytes() == gzip.decompress(packed.read_bytes()) == streamed
    assert size == len(streamed)
    assert len(streamed.splitlines()) == info.counts[format]["all"] > 0
    first = packed.read_bytes()
    write_export(data, info.id, format=format, out=packed)
    assert packed.read_bytes() == first
    assert not list(tmp_path.glob("**/*.part"))


def test_exported_choices_and_thumbs_come_in_again_as_they_are(built, sqlite_engine, tmp_path):
    data, info = built
    for format in ("choices", "pairs", "thumbs"):
        out = tmp_path / f"{format}.jsonl"
        write_export(data, info.id, format=format, out=out)
        report = bring_in(sqlite_engine, out, format, source="again")
        assert (report.accepted, dict(report.refused)) == (info.counts[format]["all"], {})


def test_a_wrong_format_or_dataset_is_named(built):
    data, info = built
    with pytest.raises(FormatUnknown, match="cannot export as 'csv'"):
        iterate_export(data, info.id, "csv")
    for wrong in ("0" * 64, "../secret.key", ""):
        with pytest.raises(DatasetFilesMissing, match="has no files at"):
            iterate_export(data, wrong, "pairs")


def test_a_failed_export_leaves_the_old_file(built, tmp_path):
    data, _ = built
    out = tmp_path / "pairs.jsonl"
    out.write_text("old")
    with pytest.raises(DatasetFilesMissing):
        write_export(data, "0" * 64, format="pairs", out=out)
    assert out.read_text() == "old"


def test_pairs_have_the_conversational_form_of_trl(built):
    data, info = built
    pairs = [json.loads(line) for line in b"".join(iterate_export(data, info.id, "pairs")).splitlines()]
    for pair in pairs:
        assert set(pair) == {
            *("id", "group", "kind", "source", "split", "weight"),
            *("prompt", "chosen", "rejected"),
        }
        assert pair["prompt"][-1]["role"] == "user"
        assert pair["chosen"][0]["role"] == pair["rejected"][0]["role"] == "assistant"
        assert pair["weight"] > 0
    assert {pair["kind"] for pair in pairs} == {"pick", "edit", "thumbs"}


@pytest.mark.parametrize("with_kwargs", [False, True])
def test_datasets_and_dpo_trainer_take_the_pairs_as_they_are(
    sqlite_engine, tmp_path, monkeypatch, base, with_kwargs
):
    import torch
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    kwargs = {"chat_template_kwargs": {"enable_thinking": False}} if with_kwargs else {}
    lines = [choice(number, **(kwargs if number % 2 else {})) for number in range(40)]
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *lines))
    info = build_dataset(sqlite_engine, data_dir=tmp_path / "data", clock=CLOCK)
    out = tmp_path / "pairs.jsonl.gz"
    write_export(tmp_path / "data", info.id, format="pairs", out=out)

    pairs = load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(pairs) == info.counts["pairs"]["all"] == 80
    assert ("chat_template_kwargs" in pairs.column_names) is with_kwargs
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        args=DPOConfig(
            output_dir=str(tmp_path / "run"),
            max_steps=1,
            per_device_train_batch_size=2,
            bf16=False,
            use_cpu=True,
            gradient_checkpointing=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        ),
        processing_class=AutoTokenizer.from_pretrained(base),
        train_dataset=pairs,
    )
    assert trainer.train().training_loss == pytest.approx(0.6931, abs=1e-3)
    assert len(trainer.train_dataset) == 80
