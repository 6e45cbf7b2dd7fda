"""Every method and every objective of a recipe on the same choices of simulated agents: how well held-out
choices are predicted, how often agents pick the result, and what the training takes beside what was told.

    python -m bench.methods                        the demo model and its recipe
    python -m bench.methods --base smollm2-135m    the packaged base and its recipe
    python -m bench.methods --ways lora prefix     these rows alone
    python -m bench.methods --set epochs=2         changes of the recipe for all rows

Objectives are learnt with `method: lora`, methods with `objective: choice`. Each training has a process of
its own, whose peak of memory and processor seconds are its alone. Nothing is held out from it but the choices
that are predicted afterwards. Prints a table and one JSON line.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.table import Table

from bench.compared_desk import DEMO_DESK, PLAIN_DESK, ComparedDesk
from bench.held_out import Dealt, Parts, deal, write_dataset
from bench.recipes import FreshSets, generate_fresh, judge_sets, measure_support, read_changes
from bench.report import FigureValues, make_parser, print_report
from bench.told_again import write_for
from bench.train_memory import make_memory_context
from demo.build import MODEL_DIR
from serving.base import PACKAGED_BASES, resolve_base
from trainer.errors import RecipeRefused
from trainer.evaluation.evaluate import evaluate_adapter
from trainer.evaluation.scoring import Scorer
from trainer.recipes.adapter_layers import require_trained
from trainer.recipes.methods import Method
from trainer.recipes.recipe import Recipe, load_recipe
from trainer.training.train import train

FITTED, PREDICTED = 0.2, 0.3  # shares of the choices that fit scales, and that are predicted; half is learnt
MIB = 2**20
NAME = "bench"
NOTES = {
    "nats": "per held-out choice, the adapter's rule (docs/training.md)",
    "support": "expected share of picks in fresh sets of two and two",
    "told_mib": "memory told before the first step; measured_mib: the peak of the training's process",
    "off": "measured / told - 1",
    "cpu_s": "processor seconds of the training, the load of the base and stored references among them",
}


@dataclass(frozen=True)
class BaseSetting:
    """Where a base is compared: its recipe, who asks and judges, and how many."""

    recipe: str
    desk: ComparedDesk
    picks: int
    fresh: int
    changes: dict[str, Any]


BASES = {
    "demo": BaseSetting("demo", DEMO_DESK, 120, 30, {"min_steps": 0, "epochs": 3, "learning_rate": 2e-3}),
    PACKAGED_BASES[0]: BaseSetting("smollm2", PLAIN_DESK, 24, 6, {"min_steps": 0, "epochs": 1}),
}
OBJECTIVES: dict[str, dict[str, Any]] = {"dpo": {}, "sft": {"min_texts": 1}, "kto": {"min_thumbs": 1}}
# Virtual tokens begin as chance draws them, far from base: they want more than an adapter, which begins at 0.
# The weights of a base want less.
RATES = {"prompt": 3e-2, "p_tuning": 3e-3, "prefix": 3e-2, "full": 1e-4, "freeze": 1e-4}
EARLIER = {"progressive": "lora"}  # the row whose adapter is merged into the base first


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_methods_options(arguments)
    setting = BASES[asked.base]
    base = MODEL_DIR if asked.base == "demo" else resolve_base(asked.base)
    with tempfile.TemporaryDirectory() as folder:
        found = compare_ways(asked, setting, base, Path(folder))
    figures: FigureValues = {
        f"{way}_{name}": value for way, row in found.items() for name, value in row.items()
    }
    print_report("methods", figures, notes={f"{next(iter(found))}_{name}": NOTES[name] for name in NOTES})


def read_methods_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    ways = list_ways()
    parser = make_parser(__doc__)
    parser.add_argument("--base", choices=BASES, default="demo", help="[default: demo]")
    parser.add_argument("--ways", nargs="+", choices=ways, default=ways, help="[default: all]")
    parser.add_argument("--picks", type=int, help="sets that agents judge  [default: by base]")
    parser.add_argument("--fresh", type=int, help="sets for the support rate  [default: by base]")
    parser.add_argument("--seed", type=int, default=1, help="of customers and agents  [default: 1]")
    parser.add_argument("--set", default="", help="key=value,... on the recipe of all rows")
    asked = parser.parse_args(arguments)
    for way in set(asked.ways) & EARLIER.keys():
        if EARLIER[way] not in asked.ways:
            parser.error(f"--ways {way} begins from the adapter of {EARLIER[way]}; name both")
    asked.picks = asked.picks or BASES[asked.base].picks
    asked.fresh = asked.fresh or BASES[asked.base].fresh
    return asked


def list_ways() -> list[str]:
    return [*get_args(Method), *OBJECTIVES]


def build_recipe_of(way: str, setting: BaseSetting, changes: dict[str, Any]) -> Recipe:
    own = {"objective": way, **OBJECTIVES[way]} if way in OBJECTIVES else {"method": way}
    rate = {"learning_rate": RATES[way]} if way in RATES else {}
    return load_recipe(setting.recipe, **setting.changes | {"threads": 1} | own | rate | changes)


def compare_ways(
    asked: argparse.Namespace, setting: BaseSetting, base: Path, folder: Path
) -> dict[str, dict[str, float | None]]:
    scorer = Scorer(base, threads=1)
    records = list(judge_sets(scorer, picks=asked.picks, seed=asked.seed, desk=setting.desk))
    fitted, predicted = (round(share * len(records)) for share in (FITTED, PREDICTED))
    dealt = deal(records, Parts(len(records), validation=fitted, test=predicted), asked.seed)
    held_out = write_held_out(folder / "held-out", dealt)
    fresh = generate_fresh(scorer, asked.fresh, asked.seed + 50, setting.desk)
    found: dict[str, dict[str, float | None]] = {}
    for way in asked.ways:
        recipe = build_recipe_of(way, setting, read_changes(asked.set))
        try:
            require_trained(base, recipe)
        except RecipeRefused as refused:  # its library is not installed
            print(refused, file=sys.stderr)
            continue
        data = write_for(recipe.objective, folder / f"{way}-data", dealt.train)
        earlier = {"earlier": folder / EARLIER[way] / "adapter"} if way in EARLIER else {}
        row = train_apart(data, base, recipe, folder / way, **earlier)
        found[way] = row | measure_row(folder / way / "adapter", held_out, base, recipe, fresh)
        show_ways(asked.base, found)
    return found


def write_held_out(folder: Path, dealt: Dealt) -> Path:
    """The dataset by which all rows are measured."""
    splits = {"train": dealt.train, "validation": dealt.validation, "test": dealt.test}
    return write_dataset(folder, (each | {"split": name} for name in splits for each in splits[name]))


def train_apart(
    data: Path, base: Path, recipe: Recipe, run_dir: Path, **earlier: Any
) -> dict[str, float | None]:
    """Trains in a process of its own: a peak of memory never falls."""
    with ProcessPoolExecutor(1, mp_context=make_memory_context()) as child:
        return child.submit(train_here, data, base, recipe, run_dir, **earlier).result()


def train_here(
    data: Path, base: Path, recipe: Recipe, run_dir: Path, **earlier: Any
) -> dict[str, float | None]:
    began = time.process_time()
    metrics = train(data, base, recipe, run_dir, lambda report: None, **earlier).metrics
    need = metrics["need"]
    return {
        "steps": metrics["steps"],
        "told_mib": need["memory"] / MIB,
        "measured_mib": need["measured"] / MIB,
        "off": need["measured"] / need["memory"] - 1,
        "cpu_s": time.process_time() - began,
    }


def measure_row(
    adapter: Path, held_out: Path, base: Path, recipe: Recipe, fresh: FreshSets
) -> dict[str, float | None]:
    report = evaluate_adapter(
        adapter,
        held_out,
        base,
        recipe.measurement,
        threads=recipe.threads,
        max_length=recipe.max_length,
        with_replies=False,
    )
    scorer = Scorer(base, threads=recipe.threads)
    scorer.attach(NAME, adapter)
    assert report.adapter and report.uniform
    return {
        "nats": report.adapter.log_loss,
        "uniform": report.uniform.log_loss,
        "kl": report.kl_to_base,
        "support": measure_support(scorer, NAME, fresh),
    }


def show_ways(base: str, found: dict[str, dict[str, float | None]]) -> None:
    """Prints the table of the rows so far."""
    names = list(next(iter(found.values())))
    table = Table(title=f"bench.methods on {base}, processor seconds of one thread")
    for name in ("method or objective", *names):
        table.add_column(name, justify="right")
    for way, row in found.items():
        table.add_row(way, *("-" if row[name] is None else f"{row[name]:.3g}" for name in names))
    Console(width=140, stderr=True).print(table)


if __name__ == "__main__":
    main()
