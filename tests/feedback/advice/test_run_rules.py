"""Advice on a run: curves made by hand, each with the one thing that is wrong with it."""

from dataclasses import replace
from math import nan

import pytest

from feedback.advice.run_facts import RunFacts, read_run
from feedback.advice.run_rules import advise_run
from feedback.store.tables import Run
from tests.feedback.builders import DESK, NOW
from trainer.errors import Diverged

RECIPE = {"objective": "choice", "learning_rate": 1e-5, "epochs": 2.0, "min_steps": 0}
FALLS = [(100, 1.4), (200, 1.2), (300, 1.1), (400, 1.0)]  # 200 steps are an epoch
SOUND = RunFacts(
    "r1",
    loss=FALLS,
    held_out=[(100, 1.38), (200, 1.30), (300, 1.29), (400, 1.285)],
    report={"kl_to_base": 0.05, "replies": {"length_ratio": 0.98}},
    recipe=RECIPE,
    epoch_steps=200,
)


def find(facts):
    advice = advise_run(facts)
    return advice.what, [said.code for said in advice.sentences]


def text_of(facts):
    return advise_run(facts).to_json()["text"]


def test_a_sound_run_needs_no_other_recipe():
    assert find(SOUND) == ("sound", ["sound"])
    assert find(replace(SOUND, held_out=())) == ("sound", ["sound_unmeasured"])


def test_a_held_out_loss_that_turns_is_over_fit():
    """Best at step 100 of 400: half of the first of two epochs."""
    turned = replace(SOUND, held_out=[(100, 1.25), (200, 1.27), (300, 1.33), (400, 1.40)])
    assert find(turned) == ("over_fit", ["over_fit"])
    assert text_of(turned) == (
        "It is over-fit: the held-out loss was best at step 100 of 400 (1.25) and ended at 1.4, while the "
        "training loss fell to 1; lower `epochs` in the recipe to 0.5, now 2."
    )
    floored = replace(turned, recipe={**RECIPE, "min_steps": 1000})
    assert "lower `min_steps` in the recipe to 100, now 1000, and `epochs` to 0.5" in text_of(floored)
    nearly = replace(SOUND, held_out=[(100, 1.25), (400, 1.274)])  # 1.9 % above its best
    assert find(nearly)[0] == "sound"


def test_a_held_out_loss_that_still_falls_is_under_fit():
    """From 1.30 to 1.25 is 3.8 % between the last two checks."""
    short = replace(SOUND, held_out=[(100, 1.38), (200, 1.34), (300, 1.30), (400, 1.25)])
    assert find(short) == ("under_fit", ["under_fit"])
    assert "from 1.3 to 1.25 between the last two checks; raise `epochs` in the recipe to 4, now 2." in (
        text_of(short)
    )


def test_a_run_of_hardly_a_step_tells_no_more():
    short = replace(SOUND, loss=[(1, 1.386), (9, 1.386)], held_out=[(9, 1.3)], report={"kl_to_base": 0.0002})
    assert find(short) == ("under_fit", ["few_steps"])
    assert "it took 9 steps, and below 10 nothing" in text_of(short)


def test_of_a_run_with_stages_the_last_one_is_read():
    stages = [{"objective": "sft", "epochs": 3.0}, {"learning_rate": 3e-6, "epochs": None}]
    run = Run(id="r1", recipe={**RECIPE, "stages": stages}, desk_id=DESK)
    recipe = read_run(run, {}, max_kl_to_base=0.5).recipe
    assert [recipe[key] for key in ("objective", "learning_rate", "epochs")] == ["choice", 3e-6, 2.0]


def test_a_loss_that_does_not_move_needs_a_higher_rate():
    flat = replace(
        SOUND,
        loss=[(100, 1.386), (400, 1.38)],
        held_out=[(100, 1.386), (400, 1.385)],
        report={"kl_to_base": 0.0002},
    )
    assert find(flat) == ("rate_too_low", ["hardly_moved"])
    assert "from 1.386 to 1.38 only" in text_of(flat) and "now 1e-05" in text_of(flat)
    assert find(replace(flat, report={"kl_to_base": 0.05}))[0] == "sound"  # noisy picks, and it learnt


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"loss": [(100, 1.3), (200, 1.5), (400, 1.9)], "held_out": ()}, "loss_rose"),
        ({"report": {"kl_to_base": 0.71}}, "left_base"),
        ({"report": {"kl_to_base": 0.71}, "recipe": {**RECIPE, "objective": "sft"}}, "left_base_sft"),
        ({"loss": (), "held_out": (), "report": None, "diverged": True}, "diverged"),
    ],
)
def test_a_run_that_flies_off_needs_a_lower_rate(changed, code):
    assert find(replace(SOUND, **changed)) == ("rate_too_high", [code])


def test_shrinking_replies_are_told_beside_what_else_is_wrong():
    short = replace(SOUND, report={"kl_to_base": 0.05, "replies": {"length_ratio": 0.8}})
    assert find(short) == ("replies_shrink", ["shrinking"])
    assert "80 % of the base's length" in text_of(short)
    both = replace(short, held_out=[(100, 1.25), (400, 1.40)], recipe={**RECIPE, "objective": "sft"})
    assert find(both) == ("over_fit", ["over_fit", "shrinking_sft"])


def test_a_run_is_read_from_its_numbers_and_its_report():
    """The loss of 40 steps is averaged over eight each, a fifth; what is not finite is left out."""
    numbers = {
        "loss": [(step, float(step % 2)) for step in range(1, 41)] + [(41, nan)],
        "held_out_loss": [(20, 1.9), (20, 1.3), (40, 1.2)],  # step 20 was taken again after a kill
        "epoch_steps": [(1, 10.0)],
    }
    run = Run(id="r", desk_id=DESK, kind="night", slot="s", state="done", created_at=NOW, recipe=RECIPE)
    facts = read_run(run, numbers, max_kl_to_base=0.5)
    assert facts.loss == [(step, 0.5) for step in range(8, 41)]
    assert (facts.epochs, facts.held_out) == (4.0, [(20, 1.3), (40, 1.2)])
    failed = Run(**{**run.model_dump(), "state": "failed", "error": str(Diverged(3, "loss", nan, 1e-5))})
    assert find(read_run(failed, {}, max_kl_to_base=0.5)) == ("rate_too_high", ["diverged"])
    killed = Run(**{**run.model_dump(), "state": "cancelled"})
    assert find(read_run(killed, numbers, max_kl_to_base=0.5))[0] == "nothing_trained"
    skipped = Run(**{**run.model_dump(), "state": "skipped"})
    assert find(read_run(skipped, {}, max_kl_to_base=0.5)) == ("nothing_trained", ["nothing_trained"])


def test_choices_predicted_worse_than_by_the_base_are_over_fit_without_a_curve():
    report = {
        "n": 60,
        "adapter": {"log_loss": 1.46},
        "base": {"log_loss": 1.31},
        "train": {"accuracy": 0.9, "uniform_accuracy": 0.25},
    }
    run = Run(id="r", desk_id=DESK, kind="night", slot="s", state="done", created_at=NOW, report=report)
    said = advise_run(read_run(run, {}, max_kl_to_base=0.5))
    assert (
        said.what == "over_fit"
        and "60 held-out choices worse than the base (1.46 against 1.31" in (said.to_json()["text"])
    )


# A real night: DPO on 62 choices of the demo base, two epochs of 16 steps.
REAL = {
    "loss": [
        *(1.297, 1.298, 1.290, 1.274, 1.245, 1.196, 1.153, 1.147, 1.111, 1.133, 1.154, 1.107, 1.112, 1.082),
        *(1.096, 1.047, 1.045, 1.014, 1.013, 1.008, 0.993, 0.985, 0.985, 0.976, 0.964, 0.982, 0.951, 0.968),
        *(0.970, 0.946, 0.936, 0.941),
    ],
    "held_out_loss": [
        (5, 1.2001),
        (10, 1.1578),
        (15, 1.0741),
        (20, 1.0163),
        (25, 0.9845),
        (30, 0.9658),
        (32, 0.9632),
    ],
}


def read_real(steps, length_ratio):
    """The real night, stopped after so many steps, with this length of its replies."""
    numbers = {
        "loss": list(enumerate(REAL["loss"], 1))[:steps],
        "held_out_loss": [(step, loss) for step, loss in REAL["held_out_loss"] if step <= steps],
        "epoch_steps": [(1, 16.0)],
    }
    report = {"kl_to_base": 0.0114, "replies": {"length_ratio": length_ratio}}
    run = Run(id="r", desk_id=DESK, kind="night", slot="s", state="done", created_at=NOW, report=report)
    return read_run(run, numbers, max_kl_to_base=0.5)


def test_a_real_night_is_sound_but_for_its_short_replies():
    """The means of its first and last six steps: 7.600 / 6 and 5.712 / 6."""
    assert find(read_real(32, 1.0)) == ("sound", ["sound"])
    short = advise_run(read_real(32, 0.75))  # as it was
    assert short.what == "replies_shrink"
    assert (short.figures["loss_first"], short.figures["loss_last"]) == (1.267, 0.952)


def test_the_same_night_stopped_early_is_under_fit():
    """At step 20, 1.25 epochs: 1.0163 after 1.0741 is 5.4 % less."""
    stopped = read_real(20, 1.0)
    assert find(stopped) == ("under_fit", ["under_fit"])
    assert "raise `epochs` in the recipe to 2.5, now 1.2" in text_of(stopped)
