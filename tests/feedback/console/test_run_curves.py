"""The curves of a training: what is on one axis, what is behind it, how it is averaged."""

import math
from datetime import timedelta

import pytest

from feedback.console.labels import WORDS
from feedback.console.run_curves import BOUNDS, EXPLAINED, LEAST_SPAN, draw_run, draw_stages, explain_number
from feedback.run_report.curves import NO_CURVES
from feedback.run_report.epochs import average_epoch, find_window, smooth
from feedback.run_report.need import NEED_NUMBERS
from feedback.run_report.stages import STAGE
from feedback.store.engine import read, unit_of_work
from feedback.store.run_history import find_run_behind
from feedback.store.runs import Metric
from feedback.store.tables import Run, RunMetric
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter
from trainer.jobs.run_metrics import EPOCH_STEPS, NAMES, READING

LOSS = [(step, value) for step, value in enumerate((1.0, 0.8, 0.6, 0.4), 1)]


def of(objective="choice"):
    return Run(
        id="r", desk_id=DESK, kind="night", slot="x", created_at=START, recipe={"objective": objective}
    )


def test_every_number_that_is_drawn_has_a_name_a_sentence_and_a_least_span():
    drawn = {*NAMES, "held_out_loss"} - set(NO_CURVES)
    assert drawn == set(EXPLAINED) == set(LEAST_SPAN) and drawn <= set(WORDS)
    told = {EPOCH_STEPS, READING, STAGE, "seconds_left", *NEED_NUMBERS}
    assert set(BOUNDS) <= drawn and told == set(NO_CURVES)


def test_a_run_is_told_by_its_last_epoch_not_by_its_last_step():
    mean = average_epoch({"loss": LOSS, "epoch_steps": [(1, 2.0)]}, "loss")
    assert (mean.value, mean.steps, mean.is_epoch) == (0.5, 2, True)
    first = average_epoch({"loss": LOSS, "epoch_steps": [(1, 100.0)]}, "loss")  # the first is not over yet
    assert (first.value, first.steps, first.is_epoch) == (pytest.approx(0.7), 4, True)
    untold = average_epoch({"loss": [(step, float(step)) for step in range(1, 31)]}, "loss")
    assert (untold.value, untold.steps, untold.is_epoch) == (29.0, 3, False)  # the last tenth: 28, 29, 30
    assert average_epoch({"loss": [(1, math.nan)]}, "loss") is None


def test_a_smoothed_point_is_the_mean_of_the_steps_up_to_it():
    assert smooth(LOSS, 2) == [
        (1, 1.0),
        (2, pytest.approx(0.9)),
        (3, pytest.approx(0.7)),
        (4, pytest.approx(0.5)),
    ]
    assert (find_window(LOSS), find_window(LOSS * 10), find_window(LOSS * 11)) == (1, 2, 2)


def test_held_out_checks_share_the_axis_of_what_is_measured_as_they_are():
    checks = {"held_out_loss": [(2, 0.9), (4, 0.95)]}

    def draw(numbers, objective):
        return {curve.name: curve for curve in draw_run(of(objective), numbers, {})}

    choice = draw({"loss": LOSS, "decision_loss": LOSS, **checks}, "choice")
    assert list(choice) == ["decision_loss", "loss"]
    assert choice["decision_loss"].kinds == ["train", "held-out"] and choice["loss"].kinds == ["train"]
    assert (choice["decision_loss"].held_out, choice["decision_loss"].best) == (0.95, (2, 0.9))
    assert draw({"loss": LOSS, **checks}, "dpo")["loss"].kinds == ["train", "held-out"]
    apart = draw(
        {"loss": LOSS, **checks}, "choice"
    )  # of a trainer that did not tell: other terms, other axis
    assert {name: curve.kinds for name, curve in apart.items()} == {
        "loss": ["train"], "held_out_loss": ["held-out"]
    }  # fmt: skip
    assert apart["held_out_loss"].mean is None


def test_the_run_before_lies_behind_and_in_the_table():
    before = {"loss": [(1, 2.0), (2, 1.5)], "held_out_loss": [(2, 1.2)]}
    (curve,) = draw_run(of("dpo"), {"loss": LOSS, "held_out_loss": [(4, 0.9)]}, before, names=("loss",))
    assert [line.kind for line in curve.plot.lines] == ["before", "before-held-out", "train", "held-out"]
    assert curve.kinds == ["train", "held-out", "before", "before-held-out"]
    assert curve.rows == [
        (1, [1.0, None, 2.0, None]),
        (2, [0.8, None, 1.5, 1.2]),
        (3, [0.6, None, None, None]),
        (4, [0.4, 0.9, None, None]),
    ]


def test_no_number_is_no_curve():
    assert draw_run(of(), {"loss": [(1, math.nan), (2, math.inf)], "seconds_left": [(1, 9.0)]}, {}) == []


def test_the_run_behind_is_the_last_on_the_same_base(store_engine):
    def add(number, base, state="done"):
        with unit_of_work(store_engine) as session:
            at = START + timedelta(days=number)
            run = Run(desk_id=DESK, kind="night", slot=str(number), state=state, created_at=at, started_at=at)
            session.add(run)
            session.flush()
            if base:
                add_adapter(session, f"tuned-20261122-{number}", run_id=run.id, base_id=base * 64)
            return run.id

    first, other = add(1, "a"), add(2, "b")
    add(3, None, "failed")
    own, unborn = add(4, "a"), add(5, None, "running")
    with read(store_engine) as session:

        def find(run_id):
            found = find_run_behind(session, desk_id=DESK, run=session.get_one(Run, run_id))
            return found and found.id

        assert (find(own), find(unborn), find(other), find(first)) == (first, own, None, None)


def test_the_run_behind_has_the_same_objective(store_engine):
    """The loss of `sft` is nats per token: behind that of `choice` it would say nothing."""
    added = []
    with unit_of_work(store_engine) as session:
        for number, objective in enumerate(("sft", "choice", "sft", "kto")):
            at = START + timedelta(days=number)
            told = {"desk_id": DESK, "kind": "night", "slot": str(number), "recipe": {"objective": objective}}
            run = Run(**told, state="done", created_at=at, started_at=at)
            session.add(run)
            session.flush()
            add_adapter(session, f"tuned-20261122-{number}", run_id=run.id, base_id="a" * 64)
            added.append(run.id)
    with read(store_engine) as session:
        runs = [session.get_one(Run, run_id) for run_id in added]
        found = [find_run_behind(session, desk_id=DESK, run=run) for run in runs]
        assert [run and run.id for run in found] == [None, None, added[0], None]


def test_the_loss_is_explained_as_the_objective_means_it():
    numbers = {"loss": LOSS, "held_out_loss": [(4, 0.9)]}
    told = {name: draw_run(of(name), numbers, {})[0] for name in ("dpo", "sft", "kto")}
    assert "nats per token" in told["sft"].explained and "texts" in told["sft"].held_out_explained
    assert "thumb up" in told["kto"].explained and "thumbs" in told["kto"].held_out_explained
    assert told["dpo"].explained == str(EXPLAINED["loss"])
    assert {curve.name: curve.kinds for curve in told.values()} == {"loss": ["train", "held-out"]}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            "Loss on choices: 0.5 mean over the last epoch, 2 steps; held out 0.9 at the last check|"
            "Nothing is smoothed: each point is what was measured.|a blind guess among four.|"
            "Step this run, training this run, held out 1 1 – 2 0.8 –",
        ),
        (
            "zh-CN",
            "偏好记录上的损失：0.5 最后一轮（2 步）的平均值；最近一次留出检查为 0.9|"
            "未经平滑：每个点都是实测值。|"
            "步骤 本次任务：训练 本次任务：留出 1 1 – 2 0.8 –",
        ),
    ],
)
def test_the_page_says_what_its_curves_are(sqlite_desk, language, words):
    import re

    numbers = [Metric("decision_loss", step, value) for step, value in LOSS]
    numbers += [Metric("held_out_loss", 4, 0.9), Metric("epoch_steps", 1, 2.0)]
    with unit_of_work(sqlite_desk.engine) as session:
        run = Run(desk_id=DESK, kind="night", slot="x", state="done", created_at=START, finished_at=START)
        session.add(run)
        session.flush()
        session.add_all(
            RunMetric(run_id=run.id, name=each.name, step=each.step, value=each.value, at=START)
            for each in numbers
        )
        run_id = run.id
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
    page = sqlite_desk.app.test_client().get(f"/console/runs/{run_id}", headers=headers).text
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    text = text.replace(" ；", "；").replace(" ;", ";").replace("  ", " ")
    for sentence in words.split("|"):
        assert sentence in text, sentence


def test_each_stage_of_a_training_has_its_own_charts_and_no_run_behind():
    loss = [*LOSS, (5, 4.0), (6, 3.0)]
    numbers = {"loss": loss, "held_out_loss": [(6, 3.5)], STAGE: [(1, 1.0), (5, 2.0)]}
    before = {"loss": LOSS}
    run = of("choice")
    run.recipe = run.recipe | {"stages": [{"objective": "sft"}, {"objective": "dpo"}]}
    first, second = draw_stages(run, numbers, before)
    assert [curves[0].explained for curves in (first, second)] == [
        explain_number("loss", objective) for objective in ("sft", "dpo")
    ]
    assert [curve.kinds for curve in first] == [["train"]] and first[0].rows[-1] == (4, [0.4])
    assert [curve.kinds for curve in second] == [["train", "held-out"]] and second[0].held_out == 3.5
    [alone] = draw_stages(of("dpo"), {"loss": LOSS}, before)
    assert alone[0].kinds == ["train", "before"]
