"""The libraries themselves read what goes out: datasets, TRL's trainers, pandas, LLaMA-Factory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from feedback.exports.files import Export
from feedback.exports.forms import EXPORT_FORMS
from feedback.exports.records import ExportRecords
from tests.feedback.formats.files import thumb, write

ASKED = {"role": "user", "content": "Where is it?"}
COUNT = 40
LLAMAFACTORY = "llamafactory==0.9.5"
REPLIES = ({"role": "assistant", "content": "It leaves today."}, {"role": "assistant", "content": "No idea."})


def pair(number, **fields):
    sides = {"chosen": [REPLIES[0]], "rejected": [REPLIES[1]]}
    named = {
        "id": f"p{number}",
        "source": "test",
        "conversation": f"t{number}",
        "tags": [],
        "prompt": [ASKED],
    }
    return named | sides | fields


def talk(number, *said, **fields):
    turns = [
        {"role": {"c": "customer", "a": "agent"}[who], "text": f"{who} {number}.{place}"}
        for place, who in enumerate(said or "ca")
    ]
    return {"id": f"k{number}", "source": "test", "tags": [], "turns": turns} | fields


@pytest.fixture
def records(tmp_path):
    """Forty pairs, thumbs and conversations; only the last of each has the rarer fields."""
    rare = {"tags": ["late"], "language": "zh", "reasons": ["tone"], "annotator": "ann", "weight": 0.5}
    files = {
        "pairs": [
            *map(pair, range(COUNT - 1)),
            pair(COUNT, meta={"a": 1}, at="2026-11-20T09:00:00Z", **rare),
        ],
        "thumbs": [
            *(thumb(number, number % 2 == 0, text=f"Reply {number}.") for number in range(COUNT - 1)),
            thumb(COUNT, comment="=fast\n😀", chat_template_kwargs={"enable_thinking": False}, **rare),
        ],
        "conversations": [
            *map(talk, range(COUNT - 1)),
            talk(COUNT, *"aacca", tags=["late"], customer_id="9"),
        ],
    }
    return ExportRecords(
        {kind: write(tmp_path / f"{kind}.in", *lines) for kind, lines in files.items()}, False
    )


def write_out(records, format, folder):
    export = Export(records, EXPORT_FORMS[format])
    export.survey()
    export.write_folder(folder / format)
    return folder / format


@pytest.mark.parametrize("format", ["trl", "sharegpt", "llamafactory", "parquet"])
def test_datasets_finds_one_type_for_every_column(records, tmp_path, format):
    """In pieces of a kilobyte: the rarer fields come long after the types of the columns are fixed."""
    from datasets import load_dataset

    folder = write_out(records, format, tmp_path)
    for kind, last in (("pairs", f"p{COUNT}"), ("thumbs", f"thumb{COUNT}-1"), ("conversations", f"k{COUNT}")):
        path = folder / EXPORT_FORMS[format].name_file(kind)
        builder, pieces = ("parquet", {}) if format == "parquet" else ("json", {"chunksize": 1024})
        read = load_dataset(
            builder, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"), **pieces
        )
        assert len(read) == COUNT
        rare = next(line for line in read if line["id"] == last)
        assert rare["tags"] == ["late"]
        if kind == "thumbs":
            assert (rare["comment"], rare["reasons"]) == ("=fast\n😀", ["tone"])


SETTINGS = {
    "max_steps": 1,
    "per_device_train_batch_size": 4,
    "bf16": False,
    "use_cpu": True,
    "gradient_checkpointing": False,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
}


@pytest.mark.parametrize(
    ("format", "kind", "trainer", "loss"),
    [
        ("trl", "pairs", "DPO", 0.6931),
        ("parquet", "pairs", "DPO", 0.6931),
        ("trl", "thumbs", "KTO", 0.5),
        ("trl", "conversations", "SFT", None),
    ],
)
def test_a_trainer_of_trl_takes_a_step(records, tmp_path, base, format, kind, trainer, loss):
    import torch
    import trl
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = write_out(records, format, tmp_path) / EXPORT_FORMS[format].name_file(kind)
    builder = "parquet" if format == "parquet" else "json"
    lines = load_dataset(builder, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    made = getattr(trl, f"{trainer}Trainer")(
        model=AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),
        args=getattr(trl, f"{trainer}Config")(output_dir=str(tmp_path / "run"), **SETTINGS),
        processing_class=AutoTokenizer.from_pretrained(base),
        train_dataset=lines,
    )
    assert len(made.train_dataset) == COUNT
    found = made.train().training_loss
    assert found > 0 if loss is None else found == pytest.approx(loss, abs=1e-2)


def test_pandas_reads_the_tables(records, tmp_path):
    import pandas

    rows = pandas.read_csv(write_out(records, "csv", tmp_path) / "thumbs.csv")
    told = rows[rows["id"] == f"thumb{COUNT}-1"].iloc[0]
    assert (len(rows), told["comment"], json.loads(told["reasons"])) == (COUNT, "'=fast\n😀", ["tone"])
    assert json.loads(told["prompt"]) == [ASKED] and told["completion"] == "It leaves today."
    table = pandas.read_parquet(write_out(records, "parquet", tmp_path) / "pairs.parquet")
    assert table["at"].dropna().tolist() == [pandas.Timestamp("2026-11-20T09:00:00Z")]
    assert table["weight"].sum() == 0.5 and table["chosen"][0][0]["content"] == "It leaves today."


@pytest.fixture
def llamafactory(tmp_path) -> Path:
    """A folder with the package alone, over ours: what it depends on it reads from our environment."""
    folder = tmp_path / "packages"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    answer = subprocess.run([*install, LLAMAFACTORY], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"{LLAMAFACTORY} cannot be had here: {answer.stderr.strip().splitlines()[-1]}")
    return folder


def test_llamafactory_reads_its_folder(records, tmp_path, llamafactory):
    folder = write_out(records, "llamafactory", tmp_path)
    answer = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("llamafactory_reader.py")), str(folder)],
        env=os.environ
        | {
            "PYTHONPATH": str(llamafactory),
            "DISABLE_VERSION_CHECK": "1",
            "HF_HOME": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    read = json.loads(answer.stdout.splitlines()[-1])
    assert {name: len(lines) for name, lines in read.items()} == {
        f"rejoinder_{kind}": COUNT for kind in ("pairs", "thumbs", "conversations")
    }
    asked = [{"role": "user", "content": "Where is it?"}]
    replies = [{"role": "assistant", "content": reply["content"]} for reply in REPLIES]
    for line in read["rejoinder_pairs"]:
        assert (line["_prompt"], line["_response"]) == (asked, replies)
    blank = {"role": "assistant", "content": ""}
    good, bad = read["rejoinder_thumbs"][0], read["rejoinder_thumbs"][2]
    assert (good["_prompt"], good["_response"][1], bad["_response"][0]) == (asked, blank, blank)
    longest = max(read["rejoinder_conversations"], key=lambda line: len(line["_prompt"][0]["content"]))
    assert longest["_prompt"] == [{"role": "user", "content": f"c {COUNT}.2\n\nc {COUNT}.3"}]
    assert longest["_response"] == [{"role": "assistant", "content": f"a {COUNT}.4"}]
    assert "Skipping" not in answer.stderr
