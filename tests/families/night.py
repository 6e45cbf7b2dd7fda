"""One night of a tiny base with the real engine: up, a set of four, an import, a night, a set of both arms.

The service is the whole one, started as a user starts it. An adapter that passed its night has passed its
probe, too. What does not hold raises AssertionError.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.instance import Service, open_customer_turn, read_suggestions, running_service
from tests.beside import BESIDE_OTHERS
from tests.loop.conftest import QUICK_POLICY
from tests.loop.looking import asking, generate_greedy, read_arms
from tests.trainer.tiny import make_choice, write_lines
from trainer.recipes.recipe import Measurement, Recipe

CHOICES = 60
PROMPTS = 3
# Bases of ten sentences move far in a night.
OPEN_POLICY = QUICK_POLICY.replace("max_perplexity_ratio = 9.0", "max_perplexity_ratio = 99.0").replace(
    "min_length_ratio = 0.1", "min_length_ratio = 0.0"
)
QUICK = Recipe(
    name="family",
    nll_weight=2.0,
    learning_rate=1e-2,
    epochs=6,
    batch_size=6,
    rank=8,
    alpha=16,
    max_length=512,
    threads=1,
    measurement=Measurement(
        max_prompts=4,
        samples_per_prompt=2,
        samples_per_guard=1,
        max_replay=4,
        max_new_tokens=32,
        probe_prompts=2,
    ),
)


def turn_night(base: Path, folder: Path, on_stage: Callable[[str], None] = lambda stage: None) -> str | None:
    """Turns the circle once in `folder`. `on_stage` hears what comes next.

    Returns why the night read one reply a row, or None if it read packed rows.
    """
    on_stage("up")
    with running_service(folder / "var", **write_settings(base, folder)) as service:
        on_stage("four replies")
        assert read_arms(service, ask_set(service, 101)["set_id"]) == ("4+0", Counter(base=4))
        with asking(service) as fleet:
            before = generate_greedy(fleet, fleet.base_name, prompts=PROMPTS)
        on_stage("one night")
        service.run("import", "--kind", "choices", str(write_choices(folder / "choices.jsonl")))
        night = json.loads(service.run("train", "--now", "--json", check=False).stdout)
        told = night["error"] or f"{night['state']}, {night['decision']}: {night['reasons']}"
        assert (night["state"], night["decision"]) == ("done", "passed"), told

        on_stage("2+2")
        design, arms = read_arms(service, ask_set(service, 102)["set_id"])
        assert design == "2+2", design
        assert (arms["base"] == 2 and arms["tuned"] == 2) or arms["both"] >= 1, arms
        with asking(service) as fleet:
            assert night["adapter"] in fleet.list_models()
            adapted = generate_greedy(fleet, night["adapter"], prompts=PROMPTS)
            assert adapted != before, "the adapter changed no reply"
            on_stage("base rows stay base")
            assert generate_greedy(fleet, fleet.base_name, prompts=PROMPTS) == before
        metrics = json.loads((service.data_dir / "runs" / night["id"] / "metrics.json").read_text())
    unpacked: str | None = metrics["unpacked"]
    return unpacked


def write_settings(base: Path, folder: Path) -> dict[str, str]:
    """Base, recipe and policy; what a night is like is chosen for the base."""
    recipe, policy = folder / "family.yaml", folder / "family.toml"
    recipe.write_text(QUICK.to_yaml())
    policy.write_text(OPEN_POLICY)
    return {
        **BESIDE_OTHERS,
        "REJOINDER_SERVING__BASE_MODEL": str(base),
        "REJOINDER_SERVING__PORT": "0",
        "REJOINDER_SERVING__MAX_MODEL_LEN": "2048",
        "REJOINDER_SERVING__KV_CACHE_GIB": "0.25",
        "REJOINDER_TRAINER__RECIPE": str(recipe),
        "REJOINDER_FEEDBACK__POLICY": str(policy),
    }


def write_choices(path: Path, count: int = CHOICES) -> Path:
    """Choices as other programs write them."""
    ours = ("split", "weight")
    choices = [make_choice(number, "train") for number in range(count)]
    write_lines(path, [{key: value for key, value in each.items() if key not in ours} for each in choices])
    return path


def ask_set(service: Service, number: int) -> dict[str, Any]:
    with service.client() as client:
        turn = open_customer_turn(client, f"Where is my order {number} ?", language="en")
        while (found := read_suggestions(client, turn["turn_id"]))["state"] == "preparing":
            pass
    assert found["state"] == "ready" and len(found["candidates"]) == 4, found
    return found
