"""Compares the objectives `choice` and `dpo` on the same choices: held-out loss in nats, for equal data and
for equal time.

    python -m bench.objectives                  simulated agents on the demo model
    python -m bench.objectives --choices FILE   and a file of choices, such as STAR's

For each seed whole conversations are split anew. `choice` is trained on the train split, `dpo` on the pairs
derived from it, and `dpo` once more on as many of its choices as it can process in the time of `choice`, the
whole of `train()` with the reference included. Held-out nats are counted as in `rejoinder evaluate`: scale
fitted on validation, with and without the slot offsets of train. Nothing is held out during training, so
there is no early stop. Both take equally many steps, through the choices in the same order
(`bench/order.py`). The steps of `dpo` accumulate batches of two pairs, with which TRL is fastest on a CPU
(`bench.train`).

Intervals are 95 %: for one seed by bootstrap over conversations of the paired differences; over seeds, which
also differ in data and in the adapter's initial weights, by Student's t. Takes about 15 minutes on two cores.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from rich.console import Console
from scipy.special import stdtrit

from bench.figures import make_table
from bench.held_out import RULES, Dealt, HeldOut, Parts, deal, settle_lines, write_train
from bench.order import same_order
from bench.recipes import make_dataset, read_changes
from bench.report import NotedFigures, make_parser, print_report
from demo.build import MODEL_DIR
from trainer.data.choices import read_choice_lines
from trainer.evaluation.baselines import Array, bootstrap
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Recipe, load_recipe
from trainer.training.train import train

SPARE = 1.3  # sets generated per choice, since agents reject some sets
PAIRS = 2  # pairs per batch of `dpo`
FIT = 150  # train choices for the scale of the base rule


@dataclass(frozen=True)
class Trained:
    """An adapter trained on so many choices: seconds of `train()`, and the nats of each test choice."""

    choices: int
    seconds: float
    nats: dict[str, Array]


@dataclass(frozen=True)
class Outcome:
    """Results of one seed: rules without an adapter, both objectives, `dpo` in the time of `choice`."""

    rules: dict[str, float]
    conversations: list[str]
    choice: Trained
    dpo: Trained
    dpo_in_time: Trained

    def difference(self, other: Trained, rule: str) -> Array:
        """Nats of `choice` minus the other's per test choice; below 0, `choice` predicts picks better."""
        return self.choice.nats[rule] - other.nats[rule]


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_objectives_options(arguments)
    parts = Parts(asked.train, asked.validation, asked.test)
    found = NotedFigures()
    sources: list[tuple[str, str, Callable[[Path, int], Dealt]]] = []
    if not asked.only_file:
        sources.append(("simulated", "demo", lambda folder, seed: simulate(asked, folder, parts, seed)))
    if asked.choices is not None:
        records = list(settle_lines(read_choice_lines(asked.choices), "file"))
        sources.append(("file", "imported", lambda folder, seed: deal(records, parts, seed)))
    else:
        found.add("difference_file", None, "no --choices FILE given")
    for name, recipe, make in sources:
        outcomes = []
        for seed in range(1, asked.seeds + 1):
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                outcomes.append(compare_objectives(make(folder, seed), recipe, folder, seed, asked))
            show_outcomes(name, outcomes)
        report(name, outcomes, found)
    print_report("objectives", found.figures, notes=found.notes)


def read_objectives_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--choices", type=Path, help="a file of choices (JSONL), after the simulated agents")
    parser.add_argument("--only-file", action="store_true", help="leave the simulated agents out")
    parser.add_argument("--seeds", type=int, default=5, help="[default: 5]")
    parser.add_argument("--train", type=int, default=160, help="choices learnt from  [default: 160]")
    parser.add_argument("--validation", type=int, default=80, help="to fit scales on  [default: 80]")
    parser.add_argument("--test", type=int, default=160, help="choices predicted  [default: 160]")
    parser.add_argument("--choice", default="", help="key=value,... on the recipe, for `choice` alone")
    parser.add_argument("--dpo", default="", help="key=value,... on the recipe, for `dpo` alone")
    parser.add_argument("--threads", type=int, default=2, help="[default: 2]")
    parser.add_argument("--base", type=Path, default=MODEL_DIR, help="of both  [default: the demo model]")
    asked = parser.parse_args(arguments)
    if asked.only_file and asked.choices is None:
        parser.error("--only-file needs --choices FILE")
    return asked


def simulate(asked: argparse.Namespace, folder: Path, parts: Parts, seed: int) -> Dealt:
    """Sets of four base replies, judged by simulated agents."""
    picks = round(SPARE * (parts.train + parts.validation + parts.test))
    make_dataset(Scorer(asked.base, threads=asked.threads), folder / "simulated", picks=picks, seed=seed)
    lines = read_choice_lines(folder / "simulated" / "choices.jsonl")
    return deal(settle_lines(lines, "simulated"), parts, seed)


def compare_objectives(
    dealt: Dealt, recipe: str, folder: Path, seed: int, asked: argparse.Namespace
) -> Outcome:
    common: dict[str, Any] = {"seed": seed, "threads": asked.threads, "patience": 0, "max_examples": None}
    common["min_steps"] = 0  # with fewer choices there must be fewer steps
    choice = load_recipe(recipe, **common | {"objective": "choice"} | read_changes(asked.choice))
    pairs = count_written_pairs(write_train(folder / "counted", dealt.train))
    pairs_of_step = choice.batch_size * choice.accumulation * pairs / len(dealt.train)
    evened = {"batch_size": PAIRS, "accumulation": max(1, round(pairs_of_step / PAIRS)), "max_pairs": None}
    dpo = load_recipe(recipe, **common | {"objective": "dpo"} | evened | read_changes(asked.dpo))
    held_out = HeldOut(dealt, asked.base, max_length=dpo.max_length, fit=FIT)

    def run(name: str, with_recipe: Recipe, choices: int) -> Trained:
        data = write_train(folder / f"{name}-data", dealt.train[:choices])
        started = time.monotonic()
        with same_order():
            result = train(data, asked.base, with_recipe, folder / name, lambda report: None)
        return Trained(choices, time.monotonic() - started, held_out.measure(result.adapter_dir))

    ours, theirs = run("choice", choice, len(dealt.train)), run("dpo", dpo, len(dealt.train))
    in_time = max(1, round(len(dealt.train) * ours.seconds / theirs.seconds))
    return Outcome(
        held_out.rules,
        held_out.conversations,
        ours,
        theirs,
        run("dpo_in_time", dpo, min(in_time, len(dealt.train))),
    )


def count_written_pairs(dataset: Path) -> int:
    return len((dataset / "pairs.jsonl").read_text(encoding="utf-8").splitlines())


def over_seeds(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean and its 95 % interval by Student's t; a single seed has no interval."""
    mean, n = float(np.mean(values)), len(values)
    if n == 1:
        return mean, None, None
    half = float(stdtrit(n - 1, 0.975) * np.std(values, ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half


def show_outcomes(name: str, outcomes: Sequence[Outcome]) -> None:
    """Prints the table of the results so far."""
    last = outcomes[-1]
    rules = list(last.rules)
    columns = ("rule", "dpo", "choice", "choice - dpo", "dpo in the same time", "difference")
    table = make_table(
        f"{name}: nats per held-out choice ({len(last.conversations)} of seed {len(outcomes)})",
        *("seed", *rules, *columns),
    )
    for seed, each in enumerate(outcomes, 1):
        for rule in RULES:
            first = rule == RULES[0]
            table.add_row(
                str(seed) if first else "",
                *(f"{each.rules[known]:.3f}" if first else "" for known in rules),
                rule,
                f"{each.dpo.nats[rule].mean():.3f} ({each.dpo.seconds:.0f} s)",
                f"{each.choice.nats[rule].mean():.3f} ({each.choice.seconds:.0f} s)",
                write_difference(each.difference(each.dpo, rule), each.conversations, seed),
                f"{each.dpo_in_time.nats[rule].mean():.3f} ({each.dpo_in_time.choices} choices, "
                f"{each.dpo_in_time.seconds:.0f} s)",
                write_difference(each.difference(each.dpo_in_time, rule), each.conversations, seed),
            )
    Console(width=170, stderr=True).print(table)


def write_difference(differences: Array, conversations: Sequence[str], seed: int) -> str:
    low, high = bootstrap(differences, conversations, seed=seed)
    return f"{differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def report(name: str, outcomes: Sequence[Outcome], found: NotedFigures) -> None:
    """Adds means over seeds; `_slot` marks the rule that knows the slot offsets."""
    for rule in outcomes[0].rules:
        found.add(f"{rule}_{name}", fmean(each.rules[rule] for each in outcomes))
    for rule in RULES:
        ending = f"{name}{rule.removeprefix('adapter')}"
        for objective in ("choice", "dpo", "dpo_in_time"):
            values = [float(getattr(each, objective).nats[rule].mean()) for each in outcomes]
            found.add(f"{objective}_{ending}", fmean(values))
        for other, word in (("dpo", "difference"), ("dpo_in_time", "difference_same_time")):
            values = [float(each.difference(getattr(each, other), rule).mean()) for each in outcomes]
            figure, (mean, low, high) = f"{word}_{ending}", over_seeds(values)
            found.add(figure, mean, f"nats, choice - {other}; t over {len(outcomes)} seeds")
            found.add(f"{figure}_low", low)
            found.add(f"{figure}_high", high)
    for objective in ("choice", "dpo", "dpo_in_time"):
        found.add(f"seconds_{objective}_{name}", fmean(getattr(each, objective).seconds for each in outcomes))


if __name__ == "__main__":
    main()
