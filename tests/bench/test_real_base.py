"""The figures of the nights on a real base, from made-up runs."""

from typing import Any

import pytest

from bench.real_base import SETTINGS, find_base_figures
from demo.simulate import Night, Serving
from feedback.deployment.policy import load_policy
from trainer.recipes.recipe import load_recipe


def make_night(number: int, decision: str, kl: float, support: float | None) -> Night:
    report: dict[str, Any] = {
        "kl_to_base": kl,
        "replay": {"perplexity": 21.0, "perplexity_base": 20.0},
        "replies": {"broken_sampled": 0.05, "broken_sampled_base": 0.04},
    }
    run = {"decision": decision, "report": report, "adapter": f"tuned-20260101-{number}"}
    rate = {"rate": support} if support is not None else None
    return Night(number, {"pick": 9}, 0, run, Serving(live=None, canary=None), 1.0, rate)


def test_figures_are_those_of_the_last_night_that_passed():
    nights = [make_night(1, "passed", 0.03, 0.6), make_night(2, "refused", 0.9, None)]
    found = find_base_figures(nights)
    assert found == {
        "support_night_1": 0.6,
        "support_night_2": None,
        "kl_to_base": 0.03,
        "perplexity_ratio": pytest.approx(1.05),
        "broken_excess": pytest.approx(0.01),
    }


def test_nothing_is_claimed_of_nights_that_were_all_refused():
    assert set(find_base_figures([make_night(1, "refused", 0.9, None)]).values()) == {None}


def test_policy_and_recipe_are_read():
    policy = load_policy(SETTINGS["REJOINDER_FEEDBACK__POLICY"])
    assert (policy.canary.share, policy.offline.min_choices) == (1.0, 3)
    assert load_recipe("smollm2").measurement.max_new_tokens == int(SETTINGS["REJOINDER_SERVING__MAX_TOKENS"])
