"""Compares recipes offline on the demo model: simulated agents pick, each recipe trains on the same picks,
and new sets measure the result.

    python -m bench.recipes                                    the demo recipe as it is
    python -m bench.recipes lr=1e-4,beta=0.3 lr=3e-4,beta=0.5  variants of it, side by side
    python -m bench.recipes --kept FOLDER lr=1e-4              on the nights that `bench.loop --keep` left

No engine and no store: transformers generates the replies, and sets and picks follow the service's rules. It
is a quick check before a change of trainer/recipes/demo.yaml; the decisive figures come from bench.loop.
Prints a table and one JSON line.
"""

import json
import logging
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from bench.compared_desk import DEMO_DESK, ComparedDesk, Prompts
from bench.held_out import write_dataset
from bench.kept import KeptNight, read_kept
from bench.report import make_parser, read_commit
from demo.agents import NOTHING_GOOD
from demo.build import MODEL_DIR
from demo.grammar import is_broken
from demo.prompts import FIXED_PROMPTS
from feedback.deployment.policy import load_policy
from feedback.records.normalise import settle_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm
from feedback.records.split import split_of
from feedback.records.text import normalise
from trainer.data.tokens import encode_prompt
from trainer.evaluation.evaluate import evaluate_adapter
from trainer.evaluation.gate import decide
from trainer.evaluation.reply_faults import find_reply_fault
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Recipe, load_recipe
from trainer.training.train import train

log = logging.getLogger("bench.recipes")

SHORT = {"lr": "learning_rate", "nll": "nll_weight"}
SAMPLED_PER_PROMPT = 20  # 50 prompts: 1,000 replies
TOKENS = 96
SAMPLING = {"temperature": 0.8, "top_p": 0.95}  # as serving samples


@dataclass(frozen=True)
class FreshSets:
    """Unseen prompts with two base replies each, shared by all variants."""

    desk: ComparedDesk
    seed: int
    prompts: Prompts
    base: list[list[str]]


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument(
        "variants", nargs="*", default=[""], help="key=value,key=value on top of the demo recipe"
    )
    parser.add_argument("--kept", type=Path, help="train on the nights kept there, not on picks of its own")
    parser.add_argument("--picks", type=int, default=300)
    parser.add_argument("--fresh", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base", type=Path, default=MODEL_DIR)
    parser.add_argument("--threads", type=int, default=2, help="1 on a machine that others keep busy")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with tempfile.TemporaryDirectory() as folder:
        place, scorer = Path(folder), Scorer(options.base, threads=options.threads)
        if options.kept is None:
            make_dataset(scorer, place / "dataset", picks=options.picks, seed=options.seed)
            nights = [KeptNight("", place / "dataset", None)]
            log.info("%d sets judged", options.picks)
        else:
            nights = read_kept(options.kept)
        base_broken = count_broken_samples(scorer, None)
        log.info("base: %d broken greedy, %d sampled", *base_broken)
        rows = {"base": {"broken_greedy": base_broken[0], "broken_sampled": base_broken[1]}}
        fresh = generate_fresh(scorer, options.fresh, options.seed + 50)
        for text in options.variants:
            for night in nights:
                recipe, name = vary(text, options.threads), f"{text or 'demo.yaml'} {night.name}".strip()
                rows[name] = try_recipe(scorer, recipe, place / f"v{len(rows)}", night, fresh, options)
                show_variants(rows)
    print(json.dumps({"bench": "recipes", "commit": read_commit(), "figures": rows}))


def vary(text: str, threads: int) -> Recipe:
    return load_recipe("demo", threads=threads, **read_changes(text))


def read_changes(text: str) -> dict[str, Any]:
    """`lr=1e-4,beta=0.3` as fields of a recipe."""
    pairs = (part.split("=", 1) for part in text.split(",") if part)
    return {SHORT.get(key, key): yaml.safe_load(value) for key, value in pairs}


def make_dataset(scorer: Scorer, folder: Path, *, picks: int, seed: int) -> None:
    """Sets of four base replies, judged by simulated agents, in the form and splits of a real dataset."""
    write_dataset(folder, judge_sets(scorer, picks=picks, seed=seed))


def judge_sets(
    scorer: Scorer, *, picks: int, seed: int, desk: ComparedDesk = DEMO_DESK
) -> Iterator[dict[str, Any]]:
    """The choices that the agents made, as records; sets that they rejected are left out."""
    prompts, agents = desk.draw_prompts(picks, seed), desk.make_agents(seed)
    generated = generate_sampled(scorer, None, prompts, 4, seed)
    for number, (messages, texts) in enumerate(zip(prompts, generated, strict=True)):
        agent = agents[number % len(agents)]
        decision = agent.judge(messages, texts)
        if decision.kind == "none":
            continue
        picked = list(decision.indices) if decision.kind == "tie" else [decision.index]
        body: dict[str, Any] = {
            "id": f"s{number}-1",
            "conversation": f"s{number}",
            "prompt": [dict(message) for message in messages],
            "candidates": [{"text": text} for text in texts],
            "annotator": agent.name,
            "kind": decision.kind,
            "picked": [] if decision.kind == "own" else picked,
            "edited": decision.text if decision.kind == "edit" else None,
            "own": decision.text if decision.kind == "own" else None,
        }
        settled = settle_choice(ChoiceForm.model_validate(body))
        if not isinstance(settled, Refusal):
            kept = {"split": split_of(f"s{number}"), "weight": 1.0, "source": "simulated"}
            yield settled.to_record() | kept


def generate_sampled(
    scorer: Scorer, adapter: str | None, prompts: Prompts, samples: int, seed: int
) -> list[list[str]]:
    ids = [encode_prompt(scorer.tokenizer, messages, {}) for messages in prompts]
    generated = scorer.generate(ids, adapter, max_new_tokens=TOKENS, samples=samples, seed=seed, **SAMPLING)
    return [[reply.text for reply in replies] for replies in generated]


def try_recipe(
    scorer: Scorer, recipe: Recipe, run_dir: Path, night: KeptNight, fresh: FreshSets, options: Any
) -> dict[str, Any]:
    started = time.monotonic()
    result = train(
        night.dataset, options.base, recipe, run_dir, lambda report: None, reference_dir=run_dir.parent
    )
    trained_s = time.monotonic() - started
    log.info("%s trained: %s", run_dir.name, json.dumps(result.metrics))
    report = evaluate_adapter(
        result.adapter_dir,
        night.dataset,
        options.base,
        recipe.measurement,
        serving=night.serving,
        threads=options.threads,
        max_length=recipe.max_length,
        seed=recipe.seed,
    )
    evaluated_s = time.monotonic() - started - trained_s
    scorer.attach(run_dir.name, result.adapter_dir)
    greedy, sampled = count_broken_samples(scorer, run_dir.name)
    decision = decide(report, load_policy("demo").offline)
    assert report.uniform and report.adapter and report.train
    return {
        "support": measure_support(scorer, run_dir.name, fresh),
        "broken_greedy": greedy,
        "broken_sampled": sampled,
        "kl": report.kl_to_base,
        "nats": report.adapter.log_loss,
        "serving": report.serving.log_loss if report.serving else None,
        "uniform": report.uniform.log_loss,
        "train_accuracy": report.train.accuracy,
        "steps": result.metrics["steps"],
        "gate": " ".join([decision.verdict, *(reason.code for reason in decision.reasons)]),
        "train_s": round(trained_s, 1),
        "evaluate_s": round(evaluated_s, 1),
    }


def count_broken_samples(scorer: Scorer, adapter: str | None) -> tuple[int, int]:
    """Broken replies to the fixed prompts: greedy ones, and those among 1,000 sampled ones."""
    ids = [encode_prompt(scorer.tokenizer, messages, {}) for messages in FIXED_PROMPTS]

    def count(generated: Any) -> int:
        return sum(
            find_reply_fault(reply.text, messages, finished=reply.finished, checker=is_broken) is not None
            for messages, replies in zip(FIXED_PROMPTS, generated, strict=True)
            for reply in replies
        )

    greedy = scorer.generate(ids, adapter, max_new_tokens=TOKENS)
    return count(greedy), count(
        scorer.generate(ids, adapter, max_new_tokens=TOKENS, samples=SAMPLED_PER_PROMPT, seed=7, **SAMPLING)
    )


def generate_fresh(scorer: Scorer, n: int, seed: int, desk: ComparedDesk = DEMO_DESK) -> FreshSets:
    prompts = desk.draw_prompts(n, seed)
    return FreshSets(desk, seed, prompts, generate_sampled(scorer, None, prompts, 2, seed))


def measure_support(scorer: Scorer, adapter: str, fresh: FreshSets) -> float:
    """The expected support rate for the agents' taste on sets of two and two: the mean probability that a
    pick is an adapter reply. Sets with unequal numbers of distinct texts, and refused sets, are left out.
    """
    agent, rng = fresh.desk.make_agents(fresh.seed)[0], random.Random(fresh.seed)
    shares: list[float] = []
    for messages, base, tuned in zip(
        fresh.prompts,
        fresh.base,
        generate_sampled(scorer, adapter, fresh.prompts, 2, fresh.seed + 1),
        strict=True,
    ):
        ours, theirs = ({normalise(text) for text in texts} for texts in (tuned, base))
        cards = list({normalise(text): text for text in tuned + base}.values())
        best = max(agent.rate(card, messages) for card in cards)
        if len(ours) != len(theirs) or best < NOTHING_GOOD:
            continue
        rng.shuffle(cards)
        credit = [(normalise(card) in ours) / (1 + (normalise(card) in ours & theirs)) for card in cards]
        shares.append(sum(map(mul, agent.pick_probabilities(messages, cards), credit), 0.0))
    return fmean(shares)


def show_variants(rows: dict[str, dict[str, Any]]) -> None:
    table = Table(title="bench.recipes")
    widest = max(rows.values(), key=len)
    names = list(widest)
    for name in ("variant", *names):
        table.add_column(name)
    for variant, row in rows.items():
        cells = (row.get(name, "-") for name in names)
        table.add_row(variant, *(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells))
    Console(width=200, stderr=True).print(table)


if __name__ == "__main__":
    main()
