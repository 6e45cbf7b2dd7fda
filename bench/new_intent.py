"""A task that the base cannot do yet: customers ask what the demo model never saw, and agents write the
answer by hand. Is it learnt sooner by SFT and then whole choices, or by whole choices alone?

    python -m bench.new_intent [--seeds 3] [--asked 48] [--usual 48]

Each seed has `--asked` sets about old batteries, whose four replies are all wrong and whose agents write one
of a few known answers, and `--usual` sets judged as ever. Three recipes of rank 8 learn from the same
decisions in equally many steps, the last two differing in the rate alone:

    stages        SFT on what was written at RATE, then `choice` at the demo recipe's
    choice        `choice` alone at the demo recipe's rate
    choice_hot    `choice` alone at RATE

Measured on questions worded otherwise: the shares of sampled replies that are one of the answers and that
have the fact in them, nats per token of the answers, and the support rate on usual sets. Prints a table and
one JSON line.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console

from bench.compared_desk import Prompts
from bench.figures import make_table
from bench.held_out import write_train
from bench.objectives import over_seeds
from bench.recipes import FreshSets, generate_fresh, generate_sampled, judge_sets, measure_support
from bench.report import NotedFigures, make_parser, print_report
from demo.build import MODEL_DIR
from demo.template import expand_all
from feedback.records.text import normalise
from feedback.records.weights import OWN_WEIGHT
from trainer.data.tokens import PairTokens, encode_prompt, encode_reply
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Recipe, load_recipe
from trainer.training.train import train

OPENS = (
    "Do you take back [old|used|empty] batteries?",
    "Where can I [hand in|bring] my [old|used] batteries?",
    "What do I do with [old|empty|used] batteries?",
    "Can I [return|recycle] [old|used] batteries [with you|at your shops]?",
    "I have a box of [old|used] batteries, [do you want them|can you take them]?",
)
UNSEEN_OPENS = (
    "Is there a box for [used|old] batteries in your shops?",
    "How do I get rid of [old|empty] batteries?",
    "Do your shops [collect|accept] [old|used] batteries?",
)
# In words that the demo model has: any other would be spelt in bytes that it never learnt to say.
ANSWERS = (
    "[Yes, please|Please] put every old one in the red box at our shop, it costs nothing.",
    "Our shop takes every old one back, [please|just] put it in the red box.",
)
FACT = "red box"
RATE = 5e-3
WIDTH = {"rank": 8, "alpha": 16}
STAGES = "stages"
ARMS: dict[str, dict[str, Any]] = {
    STAGES: {"stages": ({"objective": "sft", "learning_rate": RATE, "epochs": 12}, {"epochs": 3})},
    "choice": {},
    "choice_hot": {"learning_rate": RATE},
}
NOTES = {
    "right_stages": "share of sampled replies to unseen wordings that are one of the answers",
    "fact_stages": "share of them that have the fact in them, whatever else they say",
    "nats_stages": "per token of the answers to unseen wordings",
    "support_stages": "expected share of picks on usual sets, the demo's own taste",
    "right_difference": "stages - choice, 95 % by Student's t over seeds in _low and _high",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="[default: 3]")
    parser.add_argument("--asked", type=int, default=48, help="sets of the new intent  [default: 48]")
    parser.add_argument("--usual", type=int, default=48, help="sets judged as ever  [default: 48]")
    parser.add_argument("--fresh", type=int, default=48, help="usual sets measured  [default: 48]")
    asked = parser.parse_args(arguments)
    found: list[dict[str, dict[str, float]]] = []
    for seed in range(1, asked.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            found.append(compare_arms(asked, seed, Path(folder)))
        show_seeds(found)
    print_report("new_intent", find_intent_figures(found).figures, notes=NOTES)


def compare_arms(asked: argparse.Namespace, seed: int, folder: Path) -> dict[str, dict[str, float]]:
    scorer = Scorer(MODEL_DIR, threads=1)
    usual = judge_sets(scorer, picks=asked.usual, seed=seed)
    records = [*usual, *answer_sets(scorer, asked.asked, seed)]
    data = write_train(folder / "data", records)
    fresh = generate_fresh(scorer, asked.fresh, seed + 50)
    found = {"base": measure_answers(scorer, None, seed)}
    for arm in ARMS:
        steps = found[STAGES]["steps"] if STAGES in found else 0
        recipe = make_recipe(arm, seed, steps, len(records))
        found[arm] = try_arm(scorer, arm, recipe, data, folder, fresh)
    return found


def make_recipe(arm: str, seed: int, steps: float, choices: int) -> Recipe:
    """The recipe of an arm. Those without stages go through their choices until they have made `steps`."""
    batch = load_recipe("demo").batch_size
    through = {} if arm == STAGES else {"epochs": steps * batch / choices}
    return load_recipe("demo", min_steps=0, seed=seed, **WIDTH, **ARMS[arm], **through)


def answer_sets(scorer: Scorer, n: int, seed: int) -> Iterator[dict[str, Any]]:
    """Sets of four replies of the base, and what an agent wrote in their place."""
    rng = random.Random(f"new intent {seed}")
    prompts = draw_questions(OPENS, n, rng)
    for number, texts in enumerate(generate_sampled(scorer, None, prompts, 4, seed)):
        yield {
            "id": f"n{seed}-{number}",
            "conversation": f"n{seed}-{number}",
            "prompt": list(prompts[number]),
            "candidates": [{"text": text} for text in texts],
            "annotator": "agent-0",
            "kind": "own",
            "picked": [],
            "edited": None,
            "own": draw_text(ANSWERS, rng),
            "weight": OWN_WEIGHT,
            "source": "simulated",
        }


def draw_questions(opens: tuple[str, ...], n: int, rng: random.Random) -> Prompts:
    return [[{"role": "user", "content": draw_text(opens, rng)}] for _ in range(n)]


def draw_text(templates: tuple[str, ...], rng: random.Random) -> str:
    return rng.choice(rng.choice(expand_all(templates))).text


def try_arm(
    scorer: Scorer, arm: str, recipe: Recipe, data: Path, folder: Path, fresh: FreshSets
) -> dict[str, float]:
    began = time.process_time()
    result = train(data, MODEL_DIR, recipe, folder / arm, lambda report: None, reference_dir=folder)
    seconds = time.process_time() - began
    scorer.attach(arm, result.adapter_dir)
    return measure_answers(scorer, arm, fresh.seed) | {
        "support": measure_support(scorer, arm, fresh),
        "steps": result.metrics["steps"],
        "cpu_s": seconds,
    }


def measure_answers(scorer: Scorer, adapter: str | None, seed: int) -> dict[str, float]:
    prompts = [
        [{"role": "user", "content": phrase.text}] for group in expand_all(UNSEEN_OPENS) for phrase in group
    ]
    right = {normalise(phrase.text) for group in expand_all(ANSWERS) for phrase in group}
    replies = [text for texts in generate_sampled(scorer, adapter, prompts, 4, seed) for text in texts]
    rows = [
        PairTokens(encode_prompt(scorer.tokenizer, prompt, {}), encode_reply(scorer.tokenizer, phrase.text))
        for prompt in prompts
        for group in expand_all(ANSWERS)
        for phrase in group
    ]
    nats = [float(-values.mean()) for values in scorer.score(rows, adapter)]
    return {
        "right": fmean(normalise(text) in right for text in replies),
        "fact": fmean(FACT in text for text in replies),
        "nats": fmean(nats),
    }


def show_seeds(found: Sequence[dict[str, dict[str, float]]]) -> None:
    names = ("right", "fact", "nats", "support", "steps", "cpu_s")
    table = make_table("bench.new_intent", "seed", "recipe", *names)
    for seed, arms in enumerate(found, 1):
        for arm, row in arms.items():
            table.add_row(str(seed), arm, *(f"{row[name]:.3g}" if name in row else "-" for name in names))
    Console(width=110, stderr=True).print(table)


def find_intent_figures(found: Sequence[dict[str, dict[str, float]]]) -> NotedFigures:
    """Means over seeds, and by how much the two stages are ahead of `choice` at either rate."""
    figures = NotedFigures()
    for arm, row in found[0].items():
        for name in row:
            figures.add(f"{name}_{arm}", fmean(arms[arm][name] for arms in found))
    for name in ("right", "fact", "nats", "support"):
        for other, ending in (("choice", ""), ("choice_hot", "_hot")):
            mean, low, high = over_seeds([arms["stages"][name] - arms[other][name] for arms in found])
            figures.add(f"{name}_difference{ending}", mean)
            figures.add(f"{name}_difference{ending}_low", low)
            figures.add(f"{name}_difference{ending}_high", high)
    return figures


if __name__ == "__main__":
    main()
