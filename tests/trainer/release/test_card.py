"""The card of an adapter in the form that model hubs read, and what it says."""

from datetime import UTC, datetime

import pytest
import yaml
from huggingface_hub import ModelCard

from feedback.datasets.members import Members
from trainer.evaluation.baselines import Score
from trainer.evaluation.gate import GateDecision, LimitCheck, Reason
from trainer.evaluation.report import OfflineReport
from trainer.recipes.mix import Mix
from trainer.recipes.tag_weights import TagWeight
from trainer.release.card import Origin, name_base, write_card

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MEMBERS = Members(
    counts={"choice": 30, "thumb": 2},
    splits={
        "source": {"live": {"train": 15, "validation": 2, "test": 3}, "star": {"train": 11, "validation": 1}},
        "language": {"en": {"train": 25}, "zh-CN": {"test": 6}, "": {"train": 1}},
        "tag": {"orders": {"train": 9}, "a|b": {"train": 2}, "": {"train": 20, "test": 1}},
    },
    lines=b"",
)
REFUSED = GateDecision((LimitCheck(Reason("no_evidence", "too few", 0, 20), "at least", is_met=False),))
REPORT = OfflineReport(
    n=9,
    total=40,
    uniform=Score(1.386294, 0.25, (1.386294, 1.386294)),
    adapter=Score(1.1, 0.5, (0.9, 1.3)),
    kl_to_base=0.02,
    pair_accuracy=0.625,
)


@pytest.fixture
def write(recipe):
    def go(*, report=REPORT, decision=REFUSED, members=MEMBERS, base="Qwen/Qwen3-0.6B", **changes):
        origin = Origin("tuned-20261101-1", base, "b" * 64, "d" * 64, "r1", members)
        metrics = {"pairs_trained": 10, "pairs_found": 72, "steps": 6}
        used = recipe.model_copy(update=changes)
        metrics |= {"mix": {"mixed_in": 7, "sha256": "ab" * 32}} if used.mix else {}
        return write_card(
            origin, recipe=used, metrics=metrics, report=report, decision=decision, actor="trainer", now=NOW
        )

    return go


def test_card_is_read_by_the_hub_library_and_written_again_as_it_was(write, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(write(), encoding="utf-8")
    card = ModelCard.load(path, ignore_metadata_errors=False)
    assert card.data.library_name == "peft" and card.data.pipeline_tag == "text-generation"
    assert card.data.base_model == "Qwen/Qwen3-0.6B" and card.data.base_model_relation == "adapter"
    assert card.data.language == ["en", "zh"] and card.data.datasets == ["d" * 64]
    assert {(each.metric_type, each.metric_value) for each in card.data.eval_results} == {
        ("accuracy", 0.5),
        ("log_loss", 1.1),
    }
    card.save(tmp_path / "again.md")
    assert (tmp_path / "again.md").read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_card_tells_origin_data_recipe_metrics_and_decision(write, recipe):
    text = write()
    assert "b" * 64 in text and "d" * 64 in text and "10 of 72 training pairs" in text and "run `r1`" in text
    for row in (
        "| source | star | 12 |",
        "| language | zh-CN | 6 |",
        "| tag | a\\|b | 2 |",
        "| tag | – | 21 |",
    ):
        assert row in text
    told = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert (told["learning_rate"], told["rank"], told["seed"]) == (1e-2, 4, recipe.seed)
    assert "| adapter | 1.100 | 0.900 to 1.300 | 50.0% |" in text and "| serving |" not in text
    assert text.endswith("| 2026-11-22 03:00 | refused | trainer | no_evidence |\n")
    assert "| passed | trainer | passed the offline gate |" in write(decision=GateDecision(()))


def test_card_without_evidence_or_files_claims_none(write, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(write(report=OfflineReport(), members=None), encoding="utf-8")
    card = ModelCard.load(path, ignore_metadata_errors=False)
    assert card.data.eval_results is None and card.data.metrics is None and card.data.language is None


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("demo/model", "demo/model"),
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("/home/ann/models/qwen", "qwen"),
        ("./models/qwen", "qwen"),
        ("a/b/c", "c"),
    ],
)
def test_card_names_a_hub_model_and_of_a_folder_only_its_name(base, name):
    assert name_base(base) == name


def test_card_names_a_general_set_by_its_hash_and_neither_paths_nor_tags(write):
    mix, weights = Mix(general="/home/ada/general.jsonl"), {"vip-ada": TagWeight(weight=2)}
    text = write(mix=mix, tag_weights=weights)
    assert "Beside them 7 general replies (set sha256 `abababababababab`).\n" in text
    assert "general.jsonl" not in text and "vip-ada" not in text
    assert "general replies" not in write()
