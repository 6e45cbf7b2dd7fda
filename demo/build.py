"""Builds the demo model: tokenizer and weights, from the grammar alone, the same files for the same seed.

    python -m demo.build                     the committed model, in three phases
    python -m demo.build --phase 3           from the third on, from the model the second left in --out
    python -m demo.build --steps 200 --out /tmp/small

Same seed, steps, threads, lock and CPU type: same weights. `python -m demo.measure` tells their worth.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.corpus import Row, draw_batches
from demo.tokenizer import END, END_OF_TEXT, build_tokenizer, save_tokenizer


@dataclass(frozen=True)
class Phase:
    """Training with fresh optimizers: factor on the learning rates, share of copying drills at its start."""

    steps: int
    rate: float
    drills: float


MODEL_DIR = Path(__file__).parent / "model"
PHASES = (
    Phase(steps=1000, rate=1.0, drills=0.5),
    Phase(steps=600, rate=0.6, drills=0.1),
    Phase(steps=400, rate=0.6, drills=0.3),
)
BATCH_TOKENS = 4096
SEED = 20261122
MATRIX_RATE, OTHER_RATE = 2e-3, 3e-3
DRILLS_UNTIL = 0.35  # share of the steps over which copying drills fade to a few rows
SHAPE = {
    "hidden_size": 256,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "intermediate_size": 640,
    "max_position_embeddings": 1024,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
}


def draw_schedule(phase: Phase, step: int) -> tuple[float, float]:
    """Learning-rate factor (warm-up, then linear to zero) and share of copying drills at a step."""
    progress = step / phase.steps
    rate = phase.rate * min(1.0, progress / 0.02) * min(1.0, (1 - progress) / 0.7)
    return rate, max(0.02, phase.drills * (1 - progress / DRILLS_UNTIL))


def draw_steps(rng: random.Random, tokenizer: Any, phase: Phase) -> Iterator[list[Row]]:
    """One batch for every step of the phase."""
    step = 0
    while step < phase.steps:
        drills = draw_schedule(phase, step)[1]
        for batch in draw_batches(rng, tokenizer, tokens=BATCH_TOKENS, drill_share=drills):
            if step == phase.steps:
                return
            yield batch
            step += 1


def show(step: int, steps: int, loss: float, started: float) -> None:
    """One bar on a terminal; a line now and then where the output is a file."""
    spent = time.monotonic() - started
    left = spent / (step + 1) * (steps - step - 1)
    done = 30 * (step + 1) // steps
    line = f"[{'#' * done}{'.' * (30 - done)}] {step + 1}/{steps} loss {loss:.4f} {left / 60:5.1f} min left"
    if sys.stderr.isatty():
        print(f"\r{line}", end="\n" if step + 1 == steps else "", file=sys.stderr, flush=True)
    elif step % 20 == 19 or step + 1 == steps:
        print(line, file=sys.stderr, flush=True)


def create_model(tokenizer: Any, seed: int) -> Any:
    """The model at the start, with seeded random weights."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=-(-tokenizer.get_vocab_size() // 64) * 64,
            eos_token_id=tokenizer.token_to_id(END),
            pad_token_id=tokenizer.token_to_id(END_OF_TEXT),
            bos_token_id=None,
            use_cache=True,
            **SHAPE,
        )
    )


def load_model(source: Path) -> Any:
    """A model that an earlier phase saved, in float32."""
    import torch
    from transformers import Qwen3ForCausalLM

    return Qwen3ForCausalLM.from_pretrained(source, dtype=torch.float32)


def train(model: Any, tokenizer: Any, phase: Phase, seed: int) -> None:
    """One phase, top to bottom; changes the model in place."""
    import torch
    from torch.nn.functional import cross_entropy

    from demo.halves import use_half_products, use_plain_products

    pad = tokenizer.token_to_id(END_OF_TEXT)
    model.train()
    use_half_products(model)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers = (
        torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    )
    rates = (MATRIX_RATE, OTHER_RATE)
    smooth = math.log(tokenizer.get_vocab_size())
    started = time.monotonic()
    for step, batch in enumerate(draw_steps(random.Random(seed), tokenizer, phase)):
        width = max(len(row.ids) for row in batch)
        ids = torch.tensor([row.ids + [pad] * (width - len(row.ids)) for row in batch])
        learnt = torch.tensor([row.learnt + [False] * (width - len(row.ids)) for row in batch])
        # Rows are padded on the right and attention is causal, so no mask is needed.
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        loss = cross_entropy(model.lm_head(hidden[:, :-1][learnt[:, 1:]]), ids[:, 1:][learnt[:, 1:]])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        factor = draw_schedule(phase, step)[0]
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        smooth = 0.98 * smooth + 0.02 * loss.item()
        show(step, phase.steps, smooth, started)
    use_plain_products(model)


def blend(model: Any, other: Any) -> None:
    """Makes the model the mean of both: the ends of two phases together broke fewer replies than either."""
    import torch

    with torch.no_grad():
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
            mine.copy_((mine.bfloat16().float() + theirs) / 2)


def save(model: Any, tokenizer: Any, target: Path) -> None:
    """Writes the model directory; weights in bfloat16, half the size and exact when loaded as float32."""
    import torch
    from transformers import GenerationConfig

    target.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.token_to_id(END), pad_token_id=tokenizer.token_to_id(END_OF_TEXT)
    )
    model.to(torch.bfloat16).save_pretrained(target)
    save_tokenizer(tokenizer, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=MODEL_DIR)
    parser.add_argument("--phase", type=int, default=1, help="begin with this phase, from the model in --out")
    parser.add_argument("--steps", type=int, help="one short phase instead, for trying things out")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    tokenizer = build_tokenizer()
    phases = (Phase(options.steps, rate=1.0, drills=0.5),) if options.steps else PHASES
    for number, phase in enumerate(phases, start=1):
        if number < options.phase:
            continue
        # Each phase starts from the rounded weights on disk: a resumed build equals an uninterrupted one.
        model = create_model(tokenizer, options.seed) if number == 1 else load_model(options.out)
        print(f"phase {number} of {len(phases)}", file=sys.stderr)
        train(model, tokenizer, phase, options.seed + number - 1)
        if number == len(phases) > 1:
            blend(model, load_model(options.out))
        parameters = sum(p.numel() for p in model.parameters())
        save(model, tokenizer, options.out)
    print(f"{parameters / 1e6:.2f} M parameters, {tokenizer.get_vocab_size()} tokens, in {options.out}")


if __name__ == "__main__":
    main()
