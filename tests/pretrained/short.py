"""A recipe whose night takes minutes with a base of 135 million parameters: few prompts, short replies, a
guard of each kind.
"""

import json
from pathlib import Path

from trainer.evaluation.guards.sets import FOLDER
from trainer.recipes.recipe import Recipe


def write_short(recipe: Recipe, home: Path) -> Path:
    """Writes the recipe with a short measurement, and its guards beside it."""
    lines = (FOLDER / "support-1.jsonl").read_text(encoding="utf-8").splitlines()
    first = {json.loads(line)["kind"]: line for line in reversed(lines)}
    (home / "guards.jsonl").write_text("\n".join(first.values()), encoding="utf-8")
    little = {
        "guards": (str(home / "guards.jsonl"),),
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
