"""The data card as the hub's own library reads it, and the files as `datasets` reads them by it."""

import pytest
from huggingface_hub import DatasetCard
from sqlalchemy import update

from feedback.datasets.build import build_dataset
from feedback.store.engine import unit_of_work
from feedback.store.tables import Source
from tests.feedback.formats.files import CLOCK, bring_in, choice, thumb, write


@pytest.fixture
def bring(sqlite_engine, tmp_path):
    def go(*lines, kind="choices"):
        bring_in(sqlite_engine, write(tmp_path / f"{kind}.jsonl", *lines), kind)

    return go


@pytest.fixture
def build(sqlite_engine, tmp_path):
    return lambda: build_dataset(sqlite_engine, data_dir=tmp_path / "data", clock=CLOCK)


def test_a_card_tells_the_hub_languages_licences_size_and_files(sqlite_engine, bring, build):
    bring(choice(1), choice(2, source="a|b", language="zh-CN", tags=["<b>x"]), choice(3, source="bought"))
    bring(thumb(1, group="t"), kind="thumbs")
    with unit_of_work(sqlite_engine) as session:
        owned = {"licence": "CC-BY-4.0", "owner": "Stanford"}
        session.execute(update(Source).where(Source.name == "test").values(**owned))
        session.execute(update(Source).where(Source.name == "a|b").values(licence="bought from them"))
    info = build()
    card = DatasetCard.load(info.path / "README.md", ignore_metadata_errors=False)
    assert card.data.language == ["en", "zh"]
    assert card.data.license == ["cc-by-4.0", "other", "unknown"]
    assert (card.data.size_categories, card.data.pretty_name) == ("n<1K", f"Rejoinder {info.id[:12]}")
    assert [each["config_name"] for each in card.data.configs] == ["thumbs", "pairs", "choices"]
    for row in (
        "| test | user | Stanford | CC-BY-4.0 | 2 |",
        "| a\\|b | user | unknown | bought from them | 1 |",
        "| bought | user | unknown | unknown | 1 |",
    ):
        assert row in card.text
    assert "Selected by: everything" in card.text and info.id in card.text
    assert "| &lt;b>x |" in card.text and "| zh-CN |" in card.text
    assert "* 4 conversations, 3 people who judged" in card.text


def test_pairs_are_read_by_their_card_where_only_late_ones_have_tags(bring, build, tmp_path, monkeypatch):
    """The reader takes types from the first ten million bytes of a file, where a list is empty else."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    long = "It leaves today. " * 20_000
    replies = [{"text": long}, {"text": "No idea at all."}]
    bare = {"tags": [], "language": None, "annotator": None, "candidates": replies}
    bring(*(choice(n, **bare) for n in range(40)), choice(99, source="zz", tags=["vip"], language="zh"))
    info = build()
    assert (info.path / "pairs.jsonl").stat().st_size > 12_000_000
    rows = datasets.load_dataset(str(info.path), "pairs", split="lines", cache_dir=str(tmp_path / "hf"))
    assert len(rows) == 42 and rows[0]["tags"] == [] and rows[41]["tags"] == ["vip"]
    assert rows[41]["language"] == "zh" and rows[41]["chosen"][0]["role"] == "assistant"
