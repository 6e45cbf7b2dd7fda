"""One whole Rejoinder for all loop tests, in the order of their files: the circle first, then the kills."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.instance import Service, running_service
from trainer.recipe import RECIPES, load_recipe


def write_quick_recipe(path: Path) -> Path:
    """The demo recipe with less of everything: these tests ask whether the parts hand over, not how good the
    adapter is, so its gate asks for little evidence.
    """
    demo = load_recipe(RECIPES / "demo.yaml")
    gate = demo.gate.model_copy(
        update={
            "min_choices": 3,
            "max_log_loss_over_uniform": 1.0,
            "max_log_loss_over_serving": 1.0,
            "min_train_accuracy_over_uniform": -1.0,
            "max_broken_greedy": 1.0,
            "max_broken_sampled_over_base": 1.0,
        }
    )
    measurement = demo.measurement.model_copy(update={"max_prompts": 8, "samples_per_prompt": 2})
    quick = demo.model_copy(
        update={"name": "quick", "max_pairs": 160, "epochs": 1, "gate": gate, "measurement": measurement}
    )
    path.write_text(quick.to_yaml(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("loop")
    recipe = write_quick_recipe(home / "quick.yaml")
    with running_service(home / "var", REJOINDER_TRAINER__RECIPE=str(recipe)) as running:
        yield running
