"""The public sets in ../shared/data come in without `--kind`: the first lines of each, so that the test takes
seconds. Lines, messages, blank and equal texts were counted by a few lines that know nothing of the
readers; `too_close` is our own measure of two texts.
"""

import gzip
from itertools import islice

import pytest
from sqlmodel import col, select

from feedback.formats.errors import NothingRecognised
from feedback.formats.importer import import_file
from feedback.store.engine import read
from feedback.store.tables import Conversation, Record
from tests.feedback.formats.files import CLOCK, SHARED

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared data files are not beside the repository"
)
FIRST = 300
LLMBAR = {"llmbar/natural", *(f"llmbar/adversarial-{way}" for way in ("gptinst", "gptout", "neighbor"))}
TASKMASTER = {"taskmaster3-reward-pairs", "taskmaster4-reward-pairs"}

# file: (format, kind, lines, messages, refused by reason, its sources)
TABLE = {
    "choices_star.jsonl.gz": ("our own choices", "choices", 300, 0, {}, {"star"}),
    "feedback_thumbs_taskmaster.jsonl.gz": (
        "our own thumbs",
        "thumbs",
        300,
        0,
        {"blank_text": 1},
        {"taskmaster3-reward"},
    ),
    "general_kdconv_zh.jsonl": ("OpenAI chat", "conversations", 300, 7_582, {}, {"kdconv"}),
    "general_oasst_zh.jsonl": ("OpenAI chat", "conversations", 300, 954, {}, {"oasst1-zh"}),
    "general_selfinstruct_seeds_en.jsonl": (
        "OpenAI chat",
        "conversations",
        149,
        298,
        {},
        {"self-instruct/seed_tasks"},
    ),
    "general_t0_sample_en.jsonl.gz": (
        "OpenAI chat",
        "conversations",
        300,
        600,
        {},
        {"self-instruct/t0_sample"},
    ),
    "preferences_hh_harmless.jsonl.gz": (
        "our own pairs",
        "pairs",
        300,
        0,
        {},
        {"hh-rlhf/harmless-base/test"},
    ),
    "preferences_llmbar.jsonl": ("our own pairs", "pairs", 300, 0, {"too_close": 1}, LLMBAR),
    "preferences_oasst_zh.jsonl.gz": ("our own pairs", "pairs", 300, 0, {}, {"oasst1-zh"}),
    "preferences_qa_feedback.jsonl.gz": ("our own pairs", "pairs", 300, 0, {"too_close": 1}, {"qa-feedback"}),
    "preferences_star.jsonl.gz": ("our own pairs", "pairs", 300, 0, {}, {"star"}),
    "preferences_taskmaster.jsonl": ("our own pairs", "pairs", 300, 0, {"too_close": 7}, TASKMASTER),
    "support_dialogues_abcd_sample.jsonl": ("our own conversations", "conversations", 3, 63, {}, {"abcd"}),
    "support_dialogues_crosswoz_zh.jsonl": (
        "our own conversations",
        "conversations",
        300,
        5_070,
        {},
        {"crosswoz"},
    ),
    "support_dialogues_dstc11_grounded.jsonl.gz": (
        "our own conversations",
        "conversations",
        300,
        2_860,
        {},
        {"dstc11-track5"},
    ),
    "support_dialogues_multidogo_customer_only.jsonl.gz": (
        "our own conversations",
        "conversations",
        300,
        2_319,
        {"blank_text": 1},
        {"multidogo"},
    ),
    "support_dialogues_multiwoz.jsonl.gz": (
        "our own conversations",
        "conversations",
        300,
        4_446,
        {},
        {"multiwoz-2.1"},
    ),
    "support_dialogues_star.jsonl.gz": (
        "our own conversations",
        "conversations",
        300,
        4_043,
        {"no_turns": 21},
        {"star"},
    ),
    "support_dialogues_taskmaster_coffee.jsonl": (
        "our own conversations",
        "conversations",
        300,
        1_137,
        {},
        {"taskmaster4"},
    ),
    "support_queries_banking77.jsonl.gz": (
        "our own conversations",
        "conversations",
        300,
        300,
        {},
        {"banking77"},
    ),
    "support_queries_natcs.jsonl": (
        "our own conversations",
        "conversations",
        300,
        300,
        {},
        {"natcs-dstc11-track2"},
    ),
}
# A log of what agents were shown and labels without texts: no records of ours follow from them alone.
NO_RECORDS = {"labels_stc3.jsonl.gz": "nuggets", "suggestion_log_star.jsonl.gz": "picked_rank"}


def take_first_lines(name, folder):
    opener = gzip.open if name.endswith(".gz") else open
    path = folder / "lines"  # whose name says nothing
    with opener(SHARED / name, "rb") as lines:
        path.write_bytes(b"".join(islice(lines, FIRST)))
    return path


def test_the_table_has_every_public_set():
    files = {path.name for path in SHARED.iterdir() if ".jsonl" in path.name}
    assert files == TABLE.keys() | NO_RECORDS.keys()


@pytest.mark.parametrize("name", TABLE)
def test_a_public_set_comes_in_without_a_kind(sqlite_engine, tmp_path, name):
    format, kind, lines, messages, refused, sources = TABLE[name]
    report = import_file(sqlite_engine, take_first_lines(name, tmp_path), clock=CLOCK)
    assert [part.format for part in report.parts] == [format]
    assert (report.lines, report.messages, dict(report.refused)) == (lines, messages, refused)
    assert report.duplicates + report.accepted + sum(refused.values()) == lines
    assert report.kinds[kind] == report.accepted
    table = Conversation if kind == "conversations" else Record
    with read(sqlite_engine) as session:
        assert set(session.exec(select(col(table.source)).distinct())) == sources


@pytest.mark.parametrize("name", NO_RECORDS)
def test_a_set_without_records_of_ours_is_named_by_its_fields(sqlite_engine, tmp_path, name):
    with pytest.raises(NothingRecognised, match=NO_RECORDS[name]):
        import_file(sqlite_engine, take_first_lines(name, tmp_path), clock=CLOCK)
