"""Compares training speed: choices per second of the objective `choice` and of TRL's DPOTrainer on the same
choices as pairs.

    python -m bench.train [--choices FILE]                     the demo model on this CPU
    python -m bench.train --device cuda --shape qwen2.5-0.5b   random weights of that shape in bfloat16

TRL runs at its best: no checkpointing, pairs in order of length, the batch size that was fastest in this run.
`choice` also uses its best row length; of equally fast ones the smallest, to save memory. Rounds are
interleaved, and a ratio is the median over rounds. Beside it is its bound, the FLOPs of one side over those
of the other (`bench/flops.py`), which is reached when only matrix products take time. There are two kinds of
reference: computed in the run, or stored before it. Each is compared to TRL's own, `dpo` or `dpo_stored`
(`precompute_ref_log_probs`), though what TRL stores is of no use to the next night, whose dataset has grown.
Conversations of several turns are also run as trees, compared to a row for each turn
(`ratio_trees_over_rows`). A choice is one pick among its replies, however many pairs a side makes of it.
"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TQDM_DISABLE", "1")

import torch
import trl

from bench.flops import Decoder, FlopWork, count_reference, count_training, find_peak_tflops
from bench.report import FigureValues, NotedFigures, make_parser, print_report, read_commit
from bench.train_memory import compare_memory
from bench.train_shapes import (
    MODELS,
    Shape,
    describe_examples,
    draw_choices,
    draw_talks,
    load_config,
    read_picked,
    sum_choices,
    sum_pairs,
    sum_talks,
)
from bench.train_sides import PAIRS, RANK, Mode, Pass, SidePlan, TrainSide, compare_products
from trainer.data.example import Example
from trainer.recipes.recipe import load_recipe

TALK = Shape(200, 60, 4)  # the first turn of a conversation
SHAPES = (Shape(400, 60, 4), Shape(200, 60, 4), Shape(100, 100, 4))
FILE_PARTS = 4  # imported choices are shorter, and differ: so many more of them
EQUAL = 1.05  # longer rows that gain less than this are not worth their memory
SLOWER = 1.25  # a size so much slower than the best so far ends the search: larger ones are no better
DPO_SIZES = (1, 2, 3, 6, 12, 24, 48, 96, 192, 384)  # pairs
ROW_SIZES = (1, 2048, 4096, 8192, 16_384, 32_768, 65_536)  # tokens; 1: a row for each choice
RESULTS = Path(__file__).parent / "results"


class MeasuredTask(NamedTuple):
    """Choices to be measured in these modes (both of TRL's among them), with the suffix of their figures."""

    suffix: str
    plan: SidePlan
    examples: list[Example]
    modes: list[Mode]


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_train_options(arguments)
    plan = SidePlan(asked.shape, asked.device, asked.threads, asked.step)
    cuda = asked.device == "cuda"
    chip = torch.cuda.get_device_name() if cuda else "this CPU"
    peak = asked.peak_tflops or find_peak_tflops(chip)
    found = NotedFigures()
    found.add(
        "peak_tflops", peak, f"of {chip} in bfloat16" if peak else f"not known of {chip}: --peak-tflops"
    )
    modes: list[Mode] = ["run_reference", "stored_reference"]
    if not cuda:
        config = load_config(asked.shape)
        rate = compare_products((640, config.hidden_size, config.intermediate_size), asked.threads)
        found.add("bf16_product_ratio", rate, "products in bfloat16 over float32 on this CPU")
        if rate > 1:
            modes.append("bf16")
        else:
            found.add("ratio_bf16", None, "this CPU has no units for bfloat16")
    for task in list_measured(asked, plan, modes):
        measure_task(task, asked.rounds, peak, found)
    if asked.choices is None:
        found.add("ratio_stored_reference_choices", None, "no --choices FILE given")
    versions = {"trl": trl.__version__, "torch": torch.__version__}
    print_report("train", found.figures, notes=found.notes, versions=versions)
    if asked.results is not None:
        write_results(asked, found.figures, versions)


def read_train_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--choices", type=Path, help="measure the picks of this choices file (JSONL), too")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", choices=MODELS, default="demo", help="of the model  [default: demo]")
    parser.add_argument(
        "--lengths", type=Shape.parse, nargs="*", default=SHAPES, help="prompt/reply/K  [default: three]"
    )
    parser.add_argument("--turns", type=int, default=5, help="of conversations; 0: none  [default: 5]")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU  [default: 2]")
    parser.add_argument("--rounds", type=int, default=5, help="[default: 5]")
    parser.add_argument("--step", type=int, help="choices of an optimizer step  [default: 8; 64 on a GPU]")
    parser.add_argument("--steps", type=int, default=2, help="of each side in a round  [default: 2]")
    parser.add_argument("--peak-tflops", type=float, help="of the chip in bfloat16, where not known by name")
    parser.add_argument("--results", type=Path, help="append the figures to train.jsonl in this folder")
    asked = parser.parse_args(arguments)
    asked.step = asked.step or (64 if asked.device == "cuda" else 8)
    if asked.device == "cuda":
        if not torch.cuda.is_available():
            parser.error("this machine has no CUDA device: --device cpu takes the same options")
        asked.results = asked.results or RESULTS
    return asked


def list_measured(asked: argparse.Namespace, plan: SidePlan, modes: list[Mode]) -> list[MeasuredTask]:
    """The tasks to measure. The figures of the first shape have no suffix."""
    number, vocabulary = asked.step * asked.steps, load_config(asked.shape).vocab_size
    found = []
    for place, shape in enumerate(asked.lengths):
        choices = draw_choices(shape, number, vocabulary=vocabulary)
        found.append(MeasuredTask(shape.suffix if place else "", plan, choices, [*PAIRS, *modes]))
    if asked.turns:
        step = ceil(asked.step / asked.turns) * asked.turns  # whole conversations
        talks = draw_talks(TALK, step * asked.steps, asked.turns, vocabulary=vocabulary)
        found.append(
            MeasuredTask("_talk", replace(plan, step=step), talks, [*PAIRS, "stored_reference", "trees"])
        )
    if asked.choices is not None:
        recipe = load_recipe("imported")
        examples = read_picked(asked.choices, FILE_PARTS * number, recipe)
        found.append(MeasuredTask("_choices", plan, examples, [*PAIRS, *modes]))
    return found


def measure_task(task: MeasuredTask, rounds: int, peak: float | None, found: NotedFigures) -> None:
    """Measures these choices and adds the results to `found`."""
    suffix, plan, examples, modes = task
    print(f"{suffix.lstrip('_') or 'first lengths'}: {describe_examples(examples)}", flush=True)
    row_tokens = find_size(plan, "stored_reference", examples, ROW_SIZES)
    sizes = dict.fromkeys(modes, row_tokens)
    sizes |= dict.fromkeys(PAIRS, find_size(plan, "dpo", examples, DPO_SIZES))
    if "trees" in modes:
        sizes["trees"] = find_size(plan, "trees", examples, ROW_SIZES[1:])  # a row a turn shares nothing
    sides = [TrainSide(plan, mode, examples, sizes[mode]) for mode in modes]
    passes = run_rounds(sides, rounds)
    for side in sides:
        side.close()
    flops, works = count_sides(plan, examples, sizes)
    for mode, ours in passes.items():
        typical, size = median(each.seconds for each in ours), sizes[mode]
        note = (
            f"TRL, batches of {size} pairs"
            if mode in PAIRS
            else f"rows of up to {size} tokens, whole choices"
        )
        found.add(f"choices_per_second_{mode}{suffix}", len(examples) / typical, note)
        found.add(f"tokens_per_second_{mode}{suffix}", works[mode].tokens / typical)
        if peak is not None:
            found.add(f"share_of_peak_{mode}{suffix}", flops[mode] / typical / (peak * 1e12))
        if mode != "dpo":
            other: Mode = "dpo" if mode in ("dpo_stored", "run_reference") else "dpo_stored"
            compare_passes(f"{mode}{suffix}", passes[other], ours, flops[other] / flops[mode], plan, found)
    if "trees" in modes:
        rows, bound = passes["stored_reference"], flops["stored_reference"] / flops["trees"]
        compare_passes(f"trees_over_rows{suffix}", rows, passes["trees"], bound, plan, found)
    else:
        compare_memory(plan, suffix, examples, sizes, found)


def compare_passes(
    name: str, theirs: list[Pass], ours: list[Pass], bound: float, plan: SidePlan, found: NotedFigures
) -> None:
    """How many times as fast the second is, with the FLOP bound beside it and what share of it that is."""
    both = list(zip(theirs, ours, strict=True))
    ratios = [one.seconds / other.seconds for one, other in both]
    note = f"bound {bound:.2f}; rounds {min(ratios):.2f} to {max(ratios):.2f}"
    reached = median(ratios)
    found.add(f"ratio_{name}", reached, note)
    found.add(f"bound_{name}", bound)
    if plan.device == "cpu":
        reached = median(one.processor / other.processor for one, other in both)
        note = "the same in processor seconds: for a machine with other work"
        found.add(f"processor_ratio_{name}", reached, note)
    found.add(f"share_of_bound_{name}", reached / bound, "in processor seconds" * (plan.device == "cpu"))


def find_size(plan: SidePlan, mode: Mode, examples: list[Example], sizes: Sequence[int]) -> int:
    """The fastest batch or row size on one step's choices, by processor time on a CPU, which others may use;
    of equally fast row sizes the shortest.
    """
    some = examples[: plan.step]
    pairs = sum(len(example.replies) - 1 for example in some)
    most = pairs if mode == "dpo" else 2 * sum_choices(some).tokens
    times: dict[int, float] = {}
    for size in (size for size in sizes if size <= max(most, sizes[0])):
        side = TrainSide(plan, mode, some, size)
        try:
            found = min(side.run().cost(plan) for _ in range(2))
        except torch.OutOfMemoryError:
            break
        finally:
            side.close()  # also what did not fit, or nothing after it would
        print(f"  {mode} at {size}: {len(some) / found:.2f} choices/s", flush=True)
        times[size] = found
        if found > SLOWER * min(times.values()):
            break
    slack = 1.0 if mode == "dpo" else EQUAL
    return next(size for size, found in times.items() if found <= slack * min(times.values()))


def run_rounds(sides: Sequence[TrainSide], rounds: int) -> dict[Mode, list[Pass]]:
    """Runs each side in each round. The order of sides rotates, and the first round does not count."""
    passes: dict[Mode, list[Pass]] = {side.mode: [] for side in sides}
    for number in range(rounds + 1):
        turn = number % len(sides)
        for side in [*sides[turn:], *sides[:turn]]:
            found = side.run()
            if number:
                passes[side.mode].append(found)
    return passes


def count_sides(
    plan: SidePlan, examples: list[Example], sizes: dict[Mode, int]
) -> tuple[dict[Mode, int], dict[Mode, FlopWork]]:
    """FLOPs of one pass for each side, and the amounts that go through its model."""
    decoder = Decoder.of(load_config(plan.model))
    packed, pairs = sum_choices(examples), sum_pairs(examples, every_position=plan.device == "cpu")
    flops, works = {}, {}
    for mode, size in sizes.items():
        work = packed
        if mode == "trees":
            work = sum_talks(examples, size)
        elif mode in PAIRS:
            work = pairs
        works[mode] = work
        flops[mode] = count_training(decoder, work, rank=RANK, head_products=3 if mode in PAIRS else 2)
        if mode in ("dpo", "run_reference"):
            flops[mode] += count_reference(decoder, work)
    return flops, works


def write_results(asked: argparse.Namespace, figures: FigureValues, versions: dict[str, str]) -> None:
    """Appends one line to `train.jsonl`, with everything needed to repeat the run."""
    cuda = asked.device == "cuda"
    line = {
        "bench": "train",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": read_commit(),
        "machine": torch.cuda.get_device_name() if cuda else f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": versions,
        "model": asked.shape,
        "step": asked.step,
        "figures": figures,
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    with (asked.results / "train.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
