"""One whole Rejoinder for all loop tests, in the order of their files: the circle first, then the kills."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.instance import Service, running_service
from tests.beside import BESIDE_OTHERS
from trainer.evaluation.guards.sets import FOLDER
from trainer.recipes.recipe import load_recipe


def write_quick_recipe(path: Path) -> Path:
    """The demo recipe with a short measurement and few steps: these tests ask whether the parts hand over,
    not how good the adapter is. Wide, fast and without anchor: the demo's own hold on the base moves no
    greedy reply on so few choices, and an adapter that changes nothing is refused.
    """
    demo = load_recipe("demo")
    little = {
        "guards": (str(write_first_guards(path.with_name("guards.jsonl"))),),
        "max_choices": 8,
        "max_fit_choices": 8,
        "max_prompts": 8,
        "samples_per_prompt": 2,
        "samples_per_guard": 1,
        "max_replay": 4,
        "max_new_tokens": 24,
    }
    measurement = demo.measurement.model_copy(update=little)
    changes = {
        "name": "quick",
        "epochs": 2,
        "min_steps": 0,
        "learning_rate": 3e-3,
        "anchor_weight": 0.0,
        "rank": 8,
        "alpha": 16,
        "target_modules": "all-linear",
        "measurement": measurement,
    }
    quick = demo.model_copy(update=changes)
    path.write_text(quick.to_yaml(), encoding="utf-8")
    return path


def write_first_guards(path: Path) -> Path:
    """The first guard of each kind."""
    lines = (FOLDER / "support-1.jsonl").read_text(encoding="utf-8").splitlines()
    first = {json.loads(line)["kind"]: line for line in reversed(lines)}
    path.write_text("\n".join(first.values()), encoding="utf-8")
    return path


# The demo policy, but for offline limits that ask for little: few prompts, few samples, one short epoch.
QUICK_POLICY = """
[offline]
min_choices = 3
max_log_loss_over_uniform = 9.0
max_log_loss_over_serving = 9.0
min_train_accuracy_over_uniform = -1.0
min_kl_to_base = 0.0
max_kl_to_base = 9.0
max_replay_kl = 9.0
max_perplexity_ratio = 9.0
min_length_ratio = 0.1
max_length_ratio = 9.0
max_broken_greedy = 1.0
max_broken_sampled_over_base = 1.0
max_repeated_over_base = 1.0
max_surprise = 9.0
max_copied_over_base = 1.0
max_wrong_language_over_base = 1.0
max_refusal_over_base = 1.0
max_personal_data_over_base = 1.0
max_flattery_over_base = 1.0
max_made_up_links_over_base = 1.0

[canary]
share = 1.0
go_live = true

[approval]
second_person = false
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("loop")
    recipe = write_quick_recipe(home / "quick.yaml")
    policy = home / "quick.toml"
    policy.write_text(QUICK_POLICY, encoding="utf-8")
    settings = {
        "REJOINDER_TRAINER__RECIPE": str(recipe),
        "REJOINDER_TRAINER__LEASE_S": "20",  # a killed worker is missed after it
        "REJOINDER_TRAINER__HARM_CHECK_S": "2",  # a simulated night waits until its last picks are counted
        "REJOINDER_FEEDBACK__UNDO_WINDOW_S": "1",  # and until its replies are out, before it gives thumbs
        "REJOINDER_FEEDBACK__POLICY": str(policy),
    }
    with running_service(home / "var", **BESIDE_OTHERS, **settings) as running:
        yield running
