"""A recipe whose night takes minutes with a base of 135 million parameters: few prompts, short replies, a
guard of each kind.
"""

from pathlib import Path

from tests.loop.conftest import write_first_guards
from trainer.recipes.recipe import Recipe


def write_short(recipe: Recipe, home: Path) -> Path:
    """Writes the recipe with a short measurement, and its guards beside it."""
    little = {
        "guards": (str(write_first_guards(home / "guards.jsonl")),),
        "max_prompts": 3,
        "samples_per_prompt": 2,
        "max_replay": 4,
        "max_new_tokens": 24,
        "probe_prompts": 2,
    }
    measurement = recipe.measurement.model_copy(update=little)
    changes = {"name": "short", "epochs": 1, "min_steps": 0, "measurement": measurement}
    path = home / "short.yaml"
    path.write_text(recipe.model_copy(update=changes).to_yaml(), encoding="utf-8")
    return path
