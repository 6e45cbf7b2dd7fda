import json
from pathlib import Path

import numpy as np
import pytest

from tests.trainer.tiny import make_dataset
from trainer.recipes.recipe import Measurement

SMALL = Measurement(max_prompts=4, samples_per_prompt=2, max_new_tokens=6)


@pytest.fixture(scope="module")
def report(trained, base, dataset):
    from trainer.evaluation.evaluate import evaluate_adapter

    return evaluate_adapter(
        trained.adapter_dir, dataset, base, SMALL, threads=1, max_length=128, run_dir=trained.run
    )


def test_rules_stand_in_the_expected_order(report):
    assert report.n == 24 and report.total == 24
    assert report.uniform.log_loss == pytest.approx(np.log(4)) and report.uniform.accuracy == 0.25
    assert (
        report.adapter.log_loss < 0.7 < report.uniform.log_loss
    )  # warm replies were picked, and it learned that
    assert report.adapter.accuracy > 0.9 and report.pair_accuracy > 0.9 and report.train.accuracy > 0.9
    assert report.adapter.ci95[0] <= report.adapter.log_loss <= report.adapter.ci95[1]


def test_report_has_the_agreed_json_form(report):
    found = report.model_dump(mode="json")
    assert {"n", "uniform", "slot", "base", "adapter", "adapter_slot"} <= set(found)
    assert set(found["adapter"]) == {"log_loss", "accuracy", "ci95"}


def test_random_base_never_finishes_so_its_replies_are_broken(report):
    assert report.replies.prompts == 4 and report.replies.sampled == 8
    assert report.replies.broken_sampled_base == 1.0 and report.kl_to_base > 0


def test_length_alone_is_a_rule_with_a_weight_of_either_sign(report):
    # The warm replies that were picked are the longest by far: length predicts them, too.
    assert report.fitted.length_weight > 1
    assert report.length.log_loss < 0.7 and report.length.accuracy == 1.0


def test_replay_guards_and_curves_are_in_the_report(report, trained):
    assert (report.replay.name, report.replay.rows) == ("test split", 24)  # as many distinct questions
    assert 0 < report.replay.kl < 5
    assert report.replay.perplexity > report.replay.perplexity_base > 1
    kinds = report.guards.kinds
    assert {kind: found.replies for kind, found in kinds.items()} == {
        "refusal": 24,
        "personal_data": 24,
        "flattery": 30,
        "made_up_links": 24,
    }
    assert kinds["refusal"].broken_base > 0.9  # noise refuses nothing
    loss = report.curves.loss
    assert loss.last_step == trained.metrics["steps"] and loss.best <= loss.last < loss.first
    assert report.curves.held_out_loss.last > 0


def test_texts_that_broke_a_guard_stay_in_the_runs_directory(report, trained):
    lines = [json.loads(line) for line in (trained.run / "guards.jsonl").read_text().splitlines()]
    found = {arm: sum(line["arm"] == arm for line in lines) for arm in ("base", "tuned")}
    kinds = report.guards.kinds.values()
    assert found["base"] == round(sum(kind.broken_base * kind.replies for kind in kinds)) > 0
    assert found["tuned"] == round(sum(kind.broken * kind.replies for kind in kinds))
    assert all(line["rules"] and line["id"] for line in lines)


def test_greedy_replies_of_both_arms_to_the_same_prompts_stay_in_the_runs_directory(report, trained):
    lines = [json.loads(line) for line in (trained.run / "replies.jsonl").read_text().splitlines()]
    assert len(lines) == report.replies.prompts == 4  # fewer prompts than the ten that are kept at most
    assert all(line["asked"] for line in lines)
    assert all(line["left"].endswith(" …") for line in lines)  # cut off: the random base never finishes
    same = sum(line["left"] == line["right"] for line in lines)
    assert same / 4 == report.replies.same


def test_serving_adapter_scores_like_itself(trained, base, dataset):
    from trainer.evaluation.evaluate import evaluate_adapter

    adapter = trained.adapter_dir
    found = evaluate_adapter(
        adapter, dataset, base, SMALL, serving=("tuned-20261101-1", adapter), threads=1, with_replies=False
    )
    assert found.serving == found.adapter and found.serving_name == "tuned-20261101-1"


def test_choices_file_replaces_the_test_split(trained, base, dataset):
    from trainer.evaluation.evaluate import evaluate_adapter

    found = evaluate_adapter(
        trained.adapter_dir,
        dataset,
        base,
        SMALL,
        choices=dataset / "choices.jsonl",
        threads=1,
        with_replies=False,
    )
    assert found.n == 72


def test_without_held_out_choices_there_are_no_figures(trained, base, tmp_path):
    from trainer.evaluation.evaluate import evaluate_adapter

    empty = make_dataset(tmp_path / "small", train=3, validation=0, test=0)
    found = evaluate_adapter(trained.adapter_dir, empty, base, SMALL, threads=1)
    assert (found.n, found.adapter, found.replies) == (0, None, None)


def test_batched_scores_equal_one_row_at_a_time(trained, base):
    from trainer.data.tokens import PairTokens
    from trainer.evaluation.scoring import Scorer

    scorer = Scorer(Path(base), threads=1)
    scorer.attach("adapter", trained.adapter_dir)
    rows = [
        PairTokens([5, 6, 7], [8, 9, 2]),
        PairTokens([5, 6, 7, 8, 9, 10, 11], [12, 2]),
        PairTokens([4], [5, 6, 7, 8, 2]),
    ]
    for name in (None, "adapter"):
        together = scorer.score(rows, name)
        alone = [scorer.score([row], name)[0] for row in rows]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)
    assert abs(scorer.score(rows, "adapter")[0].sum() - scorer.score(rows)[0].sum()) > 1e-3
