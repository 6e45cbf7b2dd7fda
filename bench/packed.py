"""Compares packed rows with a row for each reply in bfloat16, as on a GPU: time, memory and rounding.

    python -m bench.packed --device cuda --shape qwen2.5-0.5b

Both read the same replies with the same weights and train the same adapter, `apart` with the model's own
attention. What either differs by from a reading in float32 is its rounding: packed rows are as good where
theirs is no larger. It says nothing about what is learnt, nor about TRL (`bench.train`).
"""

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from torch.nn.functional import cross_entropy

from bench.report import NotedFigures, make_parser, print_report
from bench.train_shapes import MODELS, Shape, draw_choices, load_config, make_model
from bench.train_sides import RANK
from trainer.data.example import Example
from trainer.packing.logprobs import PackedScorer
from trainer.packing.rows import count_longest, pack_row
from trainer.packing.tolerance import HALF

SHAPES = (Shape(400, 60, 4), Shape(7000, 250, 4))


class Reading(NamedTuple):
    """The log-probability of each reply token, and the seconds and peak bytes of a training pass."""

    nats: Tensor
    seconds: float
    peak: int | None


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_packed_options(arguments)
    found = NotedFigures()
    for place, shape in enumerate(asked.lengths):
        vocabulary = load_config(asked.shape).vocab_size
        compare_readings(
            asked,
            draw_choices(shape, asked.choices, vocabulary=vocabulary),
            shape.suffix if place else "",
            found,
        )
    print_report("packed", found.figures, notes=found.notes, versions={"torch": torch.__version__})


def read_packed_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", choices=MODELS, default="demo", help="of the model  [default: demo]")
    parser.add_argument("--lengths", type=Shape.parse, nargs="+", default=SHAPES, help="prompt/reply/K")
    parser.add_argument("--choices", type=int, default=4, help="of each length  [default: 4]")
    parser.add_argument("--rounds", type=int, default=3, help="[default: 3]")
    asked = parser.parse_args(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        parser.error("this machine has no CUDA device: --device cpu takes the same options")
    return asked


def compare_readings(
    asked: argparse.Namespace, examples: list[Example], suffix: str, found: NotedFigures
) -> None:
    """Reads the examples in float32 and in both ways, and adds the results to `found`."""
    exact = read_exactly(asked, examples)
    model = make_adapted(asked, torch.bfloat16)
    apart = measure_reading(asked, model, examples, lambda example: read_apart(model, example, halves=True))
    reader = PackedScorer(model, autocast=True)
    reader.check(model, max(examples, key=count_longest))
    if reader.obstacle is not None:
        raise SystemExit(f"{asked.shape} takes no packed rows: {reader.obstacle}")

    def read_row(example: Example) -> Tensor:
        with torch.autocast(asked.device, torch.bfloat16):
            return reader.read_tokens(model, pack_row([example]).to(torch.device(asked.device)))

    packed = measure_reading(asked, model, examples, read_row)
    errors = {name: (each.nats - exact).abs() for name, each in (("packed", packed), ("apart", apart))}
    for name, error in errors.items():
        note = f"nats a token from float32; largest {float(error.max()):.2g}"
        found.add(f"rounding_{name}{suffix}", float(error.mean()), note)
    ratio = float(errors["packed"].mean() / errors["apart"].mean())
    found.add(f"rounding_ratio{suffix}", ratio, "packed over apart")
    gap = float((packed.nats - apart.nats).abs().max())
    found.add(f"largest_gap{suffix}", gap, f"nats of a token, packed from apart; the trainer allows {HALF}")
    found.add(f"ratio_packed{suffix}", apart.seconds / packed.seconds, "times as fast as apart")
    tokens = sum(pack_row([example]).ids.numel() for example in examples)
    found.add(f"tokens_per_second_packed{suffix}", tokens / packed.seconds)
    if packed.peak is not None and apart.peak is not None:
        note = f"{packed.peak / 2**20:.0f} over {apart.peak / 2**20:.0f} MiB, weights included"
        found.add(f"peak_memory_ratio_packed{suffix}", packed.peak / apart.peak, note)


def make_adapted(asked: argparse.Namespace, dtype: torch.dtype) -> Any:
    """The model with an adapter that has learnt nothing yet, so that it says what the base does."""
    plain = make_model(asked.shape, device=asked.device, dtype=dtype)
    lora = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=2 * RANK, target_modules="all-linear")
    return get_peft_model(plain, lora)


def read_exactly(asked: argparse.Namespace, examples: list[Example]) -> Tensor:
    """What the rounded weights say in float32, each reply in a row of its own."""
    model = make_adapted(asked, torch.bfloat16).float()
    with torch.no_grad():
        return torch.cat([read_apart(model, example, halves=False) for example in examples])


def read_apart(model: Any, example: Example, *, halves: bool) -> Tensor:
    """The log-probability of each reply token, a plain forward pass for each reply."""
    found = []
    for reply in example.replies:
        ids = torch.tensor([[*example.prompt_ids, *reply]], device=model.device)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=halves):
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(reply) + 1).logits
        found.append(-cross_entropy(logits[0, :-1].float(), ids[0, -len(reply) :], reduction="none"))
    return torch.cat(found)


def measure_reading(
    asked: argparse.Namespace, model: Any, examples: list[Example], read: Callable[[Example], Tensor]
) -> Reading:
    """The median over rounds, forward and backward; the first round does not count."""
    cuda, seconds = asked.device == "cuda", []
    gc.collect()  # the model that read in float32
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    for _ in range(asked.rounds + 1):
        kept, started = [], read_device_clock(cuda)
        for example in examples:
            nats = read(example)
            nats.sum().backward()  # type: ignore[no-untyped-call]
            kept.append(nats.detach())
        seconds.append(read_device_clock(cuda) - started)
        model.zero_grad()
    peak = torch.cuda.max_memory_allocated() if cuda else None
    return Reading(torch.cat(kept), median(seconds[1:]), peak)


def read_device_clock(cuda: bool) -> float:
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter()


if __name__ == "__main__":
    main()
