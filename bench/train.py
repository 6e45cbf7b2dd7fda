"""Compares training speed: choices per second of the objective `choice` and of TRL's DPOTrainer on the same
choices as pairs.

    python -m bench.train [--choices FILE]                     the demo model on this CPU
    python -m bench.train --device cuda --shape qwen2.5-0.5b   random weights of that shape in bfloat16

TRL runs at its best: no checkpointing, pairs in order of length, the batch size that was fastest in this run.
`choice` also uses its best row length; of equally fast ones the smallest, to save memory. Rounds are
interleaved, and a ratio is the median over rounds. Beside it is its bound, the FLOPs of one side over those
of the other (`bench/flops.py`), which is reached when only matrix products take time. There are two kinds of
reference: computed in the run, or stored by an earlier night, which TRL cannot reuse for a dataset that has
grown. Conversations of several turns are also run as trees, compared to a row for each turn
(`ratio_trees_over_rows`). Memory is measured in separate processes. A choice is one pick among its replies,
however many pairs a side makes of it.
"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch

from bench.flops import Decoder, FlopWork, count_reference, count_training
from bench.report import make_parser, print_report, read_commit
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
from bench.train_sides import RANK, Mode, Pass, SidePlan, TrainSide, compare_products, measure_memory
from trainer.data.example import Example
from trainer.recipes.recipe import load_recipe

TALK = Shape(200, 60, 4)  # the first turn of a conversation
SHAPES = (Shape(400, 60, 4), Shape(200, 60, 4), Shape(100, 100, 4))
FILE_PARTS = 4  # imported choices are shorter, and differ: so many more of them
MEMORY: Mode = "stored_reference"  # the side whose memory is compared: the default of recipes
EQUAL = 1.05  # longer rows that gain less than this are not worth their memory
SLOWER = 1.25  # a size so much slower than the best so far ends the search: larger ones are no better
DPO_SIZES = (1, 2, 3, 6, 12, 24, 48, 96, 192, 384)  # pairs
ROW_SIZES = (1, 2048, 4096, 8192, 16_384, 32_768, 65_536)  # tokens; 1: a row for each choice
RESULTS = Path(__file__).parent / "results"
# Dense bfloat16 TFLOP/s by a part of the device's name, the longer names first.
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "A10": 125}

Figures = dict[str, float | int | None]


class Task(NamedTuple):
    """Choices to be measured in these modes (one is `dpo`), with the suffix of their figures."""

    suffix: str
    plan: SidePlan
    examples: list[Example]
    modes: list[Mode]


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_train_options(arguments)
    plan = SidePlan(asked.shape, asked.device, asked.threads, asked.step)
    cuda = asked.device == "cuda"
    peak = asked.peak_tflops or (find_peak_tflops(torch.cuda.get_device_name()) if cuda else None)
    figures: Figures = {}
    notes: dict[str, str] = {}
    modes: list[Mode] = ["run_reference", "stored_reference"]
    if not cuda:
        config = load_config(asked.shape)
        rate = compare_products((640, config.hidden_size, config.intermediate_size), asked.threads)
        figures["bf16_product_ratio"] = rate
        notes["bf16_product_ratio"] = "products in bfloat16 over float32 on this CPU"
        if rate > 1:
            modes.append("bf16")
        else:
            figures["ratio_bf16"], notes["ratio_bf16"] = None, "this CPU has no units for bfloat16"
    for task in list_tasks(asked, plan, modes):
        measure_task(task, asked.rounds, peak, figures, notes)
    if asked.choices is None:
        name = "ratio_stored_reference_choices"
        figures[name], notes[name] = None, "no --choices FILE given"
    print_report("train", figures, notes=notes)
    if asked.results is not None:
        write_results(asked, figures)


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


def find_peak_tflops(device: str) -> float | None:
    """The peak TFLOP/s of a chip with a known name."""
    return next((float(peak) for part, peak in PEAKS.items() if part in device), None)


def list_tasks(asked: argparse.Namespace, plan: SidePlan, modes: list[Mode]) -> list[Task]:
    """The tasks to measure. The figures of the first shape have no suffix."""
    number, vocabulary = asked.step * asked.steps, load_config(asked.shape).vocab_size
    found = [
        Task(
            shape.suffix if place else "",
            plan,
            draw_choices(shape, number, vocabulary=vocabulary),
            ["dpo", *modes],
        )
        for place, shape in enumerate(asked.lengths)
    ]
    if asked.turns:
        step = ceil(asked.step / asked.turns) * asked.turns  # whole conversations
        talks = draw_talks(TALK, step * asked.steps, asked.turns, vocabulary=vocabulary)
        found.append(Task("_talk", replace(plan, step=step), talks, ["dpo", "stored_reference", "trees"]))
    if asked.choices is not None:
        recipe = load_recipe("imported")
        examples = read_picked(asked.choices, FILE_PARTS * number, recipe)
        found.append(Task("_choices", plan, examples, ["dpo", *modes]))
    return found


def measure_task(
    task: Task, rounds: int, peak: float | None, figures: Figures, notes: dict[str, str]
) -> None:
    """Measures these choices and adds the results to `figures`."""
    suffix, plan, examples, modes = task
    print(f"{suffix.lstrip('_') or 'first lengths'}: {describe_examples(examples)}", flush=True)
    row_tokens = find_size(plan, "stored_reference", examples, ROW_SIZES)
    sizes = dict.fromkeys(modes, row_tokens)
    sizes["dpo"] = find_size(plan, "dpo", examples, DPO_SIZES)
    if "trees" in modes:
        sizes["trees"] = find_size(plan, "trees", examples, ROW_SIZES[1:])  # a row a turn shares nothing
    sides = [TrainSide(plan, mode, examples, sizes[mode]) for mode in modes]
    passes = run_rounds(sides, rounds)
    for side in sides:
        side.close()
    flops, works = count_sides(plan, examples, sizes)
    for mode, found in passes.items():
        typical = median(each.seconds for each in found)
        figures[f"choices_per_second_{mode}{suffix}"] = len(examples) / typical
        figures[f"tokens_per_second_{mode}{suffix}"] = works[mode].tokens / typical
        if peak is not None:
            figures[f"share_of_peak_{mode}{suffix}"] = flops[mode] / typical / (peak * 1e12)
        if mode == "dpo":
            notes[f"choices_per_second_dpo{suffix}"] = f"TRL, batches of {sizes['dpo']} pairs"
            continue
        notes[f"choices_per_second_{mode}{suffix}"] = f"rows of up to {sizes[mode]} tokens, whole choices"
        compare_passes(
            f"{mode}{suffix}", passes["dpo"], found, flops["dpo"] / flops[mode], plan, figures, notes
        )
    if "trees" in modes:
        rows, bound = passes["stored_reference"], flops["stored_reference"] / flops["trees"]
        compare_passes(f"trees_over_rows{suffix}", rows, passes["trees"], bound, plan, figures, notes)
    else:
        compare_memory(plan, suffix, examples, sizes, figures, notes)


def compare_passes(
    name: str,
    theirs: list[Pass],
    ours: list[Pass],
    bound: float,
    plan: SidePlan,
    figures: Figures,
    notes: dict[str, str],
) -> None:
    """How many times as fast `choice` is, with the FLOP bound beside it."""
    both = list(zip(theirs, ours, strict=True))
    ratios = [one.seconds / other.seconds for one, other in both]
    figures[f"ratio_{name}"], figures[f"bound_{name}"] = median(ratios), bound
    notes[f"ratio_{name}"] = f"bound {bound:.2f}; rounds {min(ratios):.2f} to {max(ratios):.2f}"
    if plan.device == "cpu":
        processor = median(one.processor / other.processor for one, other in both)
        figures[f"processor_ratio_{name}"] = processor
        notes[f"processor_ratio_{name}"] = "the same in processor seconds: for a machine with other work"


def find_size(plan: SidePlan, mode: Mode, examples: list[Example], sizes: Sequence[int]) -> int:
    """The fastest batch or row size on the choices of one step; of row sizes that are equally fast, the
    shortest.
    """
    some = examples[: plan.step]
    pairs = sum(len(example.replies) - 1 for example in some)
    most = pairs if mode == "dpo" else 2 * sum_choices(some).tokens
    times: dict[int, float] = {}
    for size in (size for size in sizes if size <= max(most, sizes[0])):
        try:
            side = TrainSide(plan, mode, some, size)
            found = min(side.run().seconds for _ in range(2))
        except torch.OutOfMemoryError:
            break
        side.close()
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
        if mode in ("dpo", "trees"):
            work = pairs if mode == "dpo" else sum_talks(examples, size)
        works[mode] = work
        flops[mode] = count_training(decoder, work, rank=RANK, head_products=3 if mode == "dpo" else 2)
        if mode in ("dpo", "run_reference"):
            flops[mode] += count_reference(decoder, work)
    return flops, works


def compare_memory(
    plan: SidePlan,
    suffix: str,
    examples: list[Example],
    sizes: dict[Mode, int],
    figures: Figures,
    notes: dict[str, str],
) -> None:
    found = {}
    for mode in ("dpo", MEMORY):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
            found[mode] = child.submit(measure_memory, plan, mode, examples, sizes[mode]).result()
    (theirs, their_growth), (ours, our_growth) = found["dpo"], found[MEMORY]
    figures[f"peak_memory_ratio{suffix}"] = ours / theirs
    notes[f"peak_memory_ratio{suffix}"] = f"{ours:.0f} over {theirs:.0f} MiB, the whole process"
    figures[f"memory_growth_ratio{suffix}"] = our_growth / their_growth
    notes[f"memory_growth_ratio{suffix}"] = f"{our_growth:.0f} over {their_growth:.0f} MiB while training"


def write_results(asked: argparse.Namespace, figures: Figures) -> None:
    """Appends one line to `train.jsonl`, with everything needed to repeat the run."""
    cuda = asked.device == "cuda"
    line = {
        "bench": "train",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": read_commit(),
        "machine": torch.cuda.get_device_name() if cuda else f"{platform.machine()}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "model": asked.shape,
        "step": asked.step,
        "figures": figures,
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    with (asked.results / "train.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
