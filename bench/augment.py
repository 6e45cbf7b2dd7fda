"""What made records are worth: each operation alone against none, on the same choices of simulated agents.

    python -m bench.augment [--seeds 5] [--picks 240] [--steps 300] [--fresh 60]

For each seed the choices that are learnt from go through a store and the build of a dataset, without and
with one operation: guards, limits and weights are those of the service. Their conversations are called so
that all are in train. The demo recipe takes equally many steps through each dataset. Measured: nats per
choice held out from all of them, and the expected support rate on fresh sets. The gain is the nats with
none less those with the operation, its interval 95 % by Student's t over seeds. An operation ships on only
if the lower end is above 0. What the helper writes is not measured. Prints a table and one JSON line.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console

from bench.figures import make_table
from bench.held_out import RULES, Dealt, HeldOut, Parts, deal
from bench.objectives import FIT, over_seeds
from bench.recipes import FreshSets, generate_fresh, judge_sets, measure_support
from bench.report import NotedFigures, make_parser, print_report
from demo.build import MODEL_DIR
from feedback.augment.names import BY_RULE
from feedback.clock import SystemClock
from feedback.datasets.build import DatasetInfo, Selection, build_dataset
from feedback.duplicates.grams import is_mostly_chinese
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from feedback.migrations import upgrade
from feedback.records.split import split_of
from feedback.store.desks import ensure_desk
from feedback.store.engine import open_engine, unit_of_work
from trainer.data.choices import make_offer
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import load_recipe
from trainer.training.train import train

NONE = "none"
FITTED, PREDICTED = 0.2, 0.4  # shares of the choices that fit scales, and that are predicted
NAMES = ("nats", "support", "made", "twins")
NOTES = {
    "nats_none": "per held-out choice, the adapter's rule (docs/training.md)",
    f"nats_gain_{BY_RULE[0]}": "none - the operation, 95 % by Student's t over seeds in _low and _high",
    "support_none": "expected share of picks on fresh sets of two and two",
    f"made_{BY_RULE[0]}": "children that stayed; twins: those that another conversation's prompt was like",
}
Row = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_augment_options(arguments)
    found: list[dict[str, Row]] = []
    for seed in range(1, asked.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            found.append(compare_operations(asked, seed, Path(folder)))
        show_gains(found)
    print_report("augment", find_augment_figures(found).figures, notes=NOTES)


def read_augment_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="[default: 5]")
    parser.add_argument("--picks", type=int, default=240, help="sets that agents judge  [default: 240]")
    parser.add_argument("--steps", type=int, default=300, help="of each training  [default: 300]")
    parser.add_argument("--fresh", type=int, default=60, help="sets for the support rate  [default: 60]")
    return parser.parse_args(arguments)


def compare_operations(asked: argparse.Namespace, seed: int, folder: Path) -> dict[str, Row]:
    scorer = Scorer(MODEL_DIR, threads=1)
    records = [record for record in judge_sets(scorer, picks=asked.picks, seed=seed) if make_offer(record)]
    fitted, predicted = (round(share * len(records)) for share in (FITTED, PREDICTED))
    dealt = deal(records, Parts(len(records), validation=fitted, test=predicted), seed)
    held_out = HeldOut(dealt, MODEL_DIR, max_length=load_recipe("demo").max_length, fit=FIT)
    fresh = generate_fresh(scorer, asked.fresh, seed + 50)
    built = build_all(dealt, folder)
    return {
        arm: try_operation(arm, info, held_out, scorer, fresh, asked, seed, folder)
        for arm, info in built.items()
    }


def build_all(dealt: Dealt, folder: Path) -> dict[str, DatasetInfo]:
    """A dataset of the choices that are learnt from without made records, and one with each operation."""
    url, lines = f"sqlite:///{folder / 'bench.db'}", folder / "choices.jsonl"
    lines.write_text("".join(json.dumps(record) + "\n" for record in rename(dealt.train)), "utf-8")
    upgrade(url)
    engine, clock = open_engine(url), SystemClock()
    with unit_of_work(engine) as session:
        ensure_desk(session, now=clock.now())
    import_file(engine, lines, asked=Asked("choices"), clock=clock)
    selections = {NONE: Selection()} | {name: Selection(augment=(name,)) for name in BY_RULE}
    built = {
        arm: build_dataset(engine, data_dir=folder, clock=clock, selection=selection)
        for arm, selection in selections.items()
    }
    engine.dispose()
    return built


def rename(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records in conversations that are all in train, with the language of their prompt."""
    names = (name for number in count() if split_of(name := f"talk{number}") == "train")
    for record, name in zip(records, names, strict=False):
        said = record["prompt"][-1]["content"]
        language = "zh" if is_mostly_chinese(said) else "en"
        yield record | {"id": f"{name}-1", "conversation": name, "language": language}


def try_operation(
    arm: str,
    info: DatasetInfo,
    held_out: HeldOut,
    scorer: Scorer,
    fresh: FreshSets,
    asked: argparse.Namespace,
    seed: int,
    folder: Path,
) -> Row:
    began = time.process_time()
    recipe = load_recipe("demo", min_steps=0, seed=seed)
    epochs = asked.steps / recipe.count_epoch_steps(info.counts["choices"]["train"])
    recipe = recipe.model_copy(update={"epochs": epochs})
    result = train(info.path, MODEL_DIR, recipe, folder / arm, lambda report: None, reference_dir=folder)
    scorer.attach(arm, result.adapter_dir)
    return {
        "nats": float(held_out.measure(result.adapter_dir)[RULES[0]].mean()),
        "support": measure_support(scorer, arm, fresh),
        "choices": info.counts["choices"]["train"],
        "made": info.counts.get("made", {}).get(arm, {}).get("train", 0),
        "twins": info.refusals.get("made_twin", 0),
        "steps": result.metrics["steps"],
        "cpu_s": time.process_time() - began,
    }


def show_gains(found: Sequence[dict[str, Row]]) -> None:
    """Prints a row for each seed and arm."""
    names = list(found[0][NONE])
    table = make_table("bench.augment on the demo model", "seed", "operation", *names)
    for seed, arms in enumerate(found, 1):
        for arm, row in arms.items():
            table.add_row(str(seed), arm, *(f"{row[name]:.4g}" for name in names))
    Console(width=120, stderr=True).print(table)


def find_augment_figures(found: Sequence[dict[str, Row]]) -> NotedFigures:
    """Means over seeds, and the gain of each operation with its interval."""
    figures = NotedFigures()
    for arm in found[0]:
        for name in NAMES:
            figures.add(f"{name}_{arm}", fmean(arms[arm][name] for arms in found))
    for arm in list(found[0])[1:]:
        for name, sign in (("nats", 1), ("support", -1)):
            gains = [sign * (arms[NONE][name] - arms[arm][name]) for arms in found]
            mean, low, high = over_seeds(gains)
            figures.add(f"{name}_gain_{arm}", mean)
            figures.add(f"{name}_gain_{arm}_low", low)
            figures.add(f"{name}_gain_{arm}_high", high)
    return figures


if __name__ == "__main__":
    main()
