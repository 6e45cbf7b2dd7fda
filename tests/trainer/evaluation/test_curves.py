import json

import pytest

from trainer.evaluation.curves import read_curves


def write(path, reports):
    path.write_text(
        "".join(
            json.dumps({"step": s, "loss": loss, "held_out_loss": held}) + "\n" for s, loss, held in reports
        )
    )
    return path


def test_losses_are_means_over_a_tenth_of_the_steps(tmp_path):
    # 20 steps, two a block: 20 and 19, 18 and 17, ... 2 and 1, but the ninth block is the lowest
    losses = {step: float(21 - step) for step in range(1, 21)} | {17: 0.0, 18: 1.0}
    found, _ = read_curves(write(tmp_path / "p", [(step, loss, None) for step, loss in losses.items()]))
    curve = found.loss
    assert (curve.first, curve.best, curve.best_step) == (19.5, 0.5, 18)
    assert (curve.last, curve.last_step) == (1.5, 20)
    assert found.held_out_loss is None


def test_held_out_losses_stand_alone_and_a_resumed_step_counts_once(tmp_path):
    reports = [(1, 9.0, None), (2, 9.0, None), (2, 9.0, 1.2), (2, 3.0, None), (2, 3.0, 1.1), (3, 2.0, 1.3)]
    found, _ = read_curves(write(tmp_path / "p", reports))
    assert found.loss.first == 9.0 and found.loss.last == 3.0
    held = found.held_out_loss
    assert (held.first, held.best, held.best_step, held.last, held.last_step) == (1.1, 1.1, 2, 1.3, 3)


def test_no_file_is_no_curve(tmp_path):
    assert read_curves(tmp_path / "progress.jsonl") == (None, [])


def test_a_run_of_few_steps_has_a_point_for_each(tmp_path):
    curve = read_curves(write(tmp_path / "p", [(1, 2.0, None), (2, 1.0, None)]))[0].loss
    assert (curve.first, curve.last, curve.best) == (2.0, pytest.approx(1.0), 1.0)


def test_each_stage_has_a_curve_of_its_own_and_the_last_one_is_that_of_the_run(tmp_path):
    steps = [(1, 1, 5.0, None), (1, 2, 4.0, None), (1, 2, 4.0, 3.5), (2, 3, 0.75, None), (2, 4, 0.25, None)]
    lines = [
        {"stage": stage, "step": s, "loss": loss, "held_out_loss": held} for stage, s, loss, held in steps
    ]
    path = tmp_path / "progress.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    last, stages = read_curves(path)
    assert [(one.stage, one.loss.first, one.loss.last, one.loss.last_step) for one in stages] == [
        (1, 5.0, 4.0, 2),
        (2, 0.75, 0.25, 4),
    ]
    assert stages[0].held_out_loss.last == 3.5 and stages[1].held_out_loss is None
    assert last == stages[1]
