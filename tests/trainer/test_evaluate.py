from pathlib import Path

import numpy as np
import pytest

from tests.trainer.tiny import make_dataset
from trainer.recipe import Measurement

SMALL = Measurement(max_prompts=4, samples_per_prompt=2, max_new_tokens=6)


@pytest.fixture(scope="module")
def report(trained, base, dataset):
    from trainer.evaluate import evaluate_adapter

    return evaluate_adapter(trained.adapter_dir, dataset, base, SMALL, threads=1, max_length=128)


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


def test_serving_adapter_scores_like_itself(trained, base, dataset):
    from trainer.evaluate import evaluate_adapter

    adapter = trained.adapter_dir
    found = evaluate_adapter(
        adapter, dataset, base, SMALL, serving=("tuned-20261101-1", adapter), threads=1, with_replies=False
    )
    assert found.serving == found.adapter and found.serving_name == "tuned-20261101-1"


def test_choices_file_replaces_the_test_split(trained, base, dataset):
    from trainer.evaluate import evaluate_adapter

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
    from trainer.evaluate import evaluate_adapter

    empty = make_dataset(tmp_path / "small", train=3, validation=0, test=0)
    found = evaluate_adapter(trained.adapter_dir, empty, base, SMALL, threads=1)
    assert (found.n, found.adapter, found.replies) == (0, None, None)


def test_batched_scores_equal_one_row_at_a_time(trained, base):
    from trainer.scoring import Scorer
    from trainer.tokens import Row

    scorer = Scorer(Path(base), threads=1)
    scorer.attach("adapter", trained.adapter_dir)
    rows = [Row([5, 6, 7], [8, 9, 2]), Row([5, 6, 7, 8, 9, 10, 11], [12, 2]), Row([4], [5, 6, 7, 8, 2])]
    for name in (None, "adapter"):
        together = scorer.score(rows, name)
        alone = [scorer.score([row], name)[0] for row in rows]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)
    assert abs(scorer.score(rows, "adapter")[0].sum() - scorer.score(rows)[0].sum()) > 1e-3
