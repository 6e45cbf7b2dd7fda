"""Builds the demo model, tokenizer and weights, from the grammar only.

    python -m demo.build                     the committed model
    python -m demo.build --steps 200 --out /tmp/small

Equal seed, steps, threads, lock file and CPU type give equal weights. `python -m demo.measure` measures their
quality.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from demo.corpus import CorpusRow, draw_batches
from demo.tokenizer import END, END_OF_TEXT, build_tokenizer, save_tokenizer

MODEL_DIR = Path(__file__).parent / "model"
STEPS = 5000
BATCH_TOKENS = 4096
SEED = 20261122
MATRIX_RATE, OTHER_RATE = 2e-3, 3e-3
DRILLS = 0.5  # share of copying drills at the start
DRILLS_UNTIL = 0.15  # share of the steps over which they fade to a few rows
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


def draw_schedule(step: int, steps: int) -> tuple[float, float]:
    """Learning-rate factor (warm-up, then linear to zero) and share of copying drills at a step."""
    progress = step / steps
    rate = min(1.0, progress / 0.02) * min(1.0, (1 - progress) / 0.7)
    return rate, max(0.02, DRILLS * (1 - progress / DRILLS_UNTIL))


def draw_steps(rng: random.Random, tokenizer: Any, steps: int) -> Iterator[list[CorpusRow]]:
    """Yields one batch of training rows for every step."""
    step = 0
    while step < steps:
        drills = draw_schedule(step, steps)[1]
        for batch in draw_batches(rng, tokenizer, tokens=BATCH_TOKENS, drill_share=drills):
            if step == steps:
                return
            yield batch
            step += 1


def print_step(step: int, steps: int, loss: float, started: float) -> None:
    """Prints progress: a bar on a terminal, an occasional line in a file."""
    spent = time.monotonic() - started
    left = spent / (step + 1) * (steps - step - 1)
    done = 30 * (step + 1) // steps
    line = f"[{'#' * done}{'.' * (30 - done)}] {step + 1}/{steps} loss {loss:.4f} {left / 60:5.1f} min left"
    if sys.stderr.isatty():
        print(f"\r{line}", end="\n" if step + 1 == steps else "", file=sys.stderr, flush=True)
    elif step % 20 == 19 or step + 1 == steps:
        print(line, file=sys.stderr, flush=True)


def create_model(tokenizer: Any, seed: int) -> Any:
    """A new model with seeded random weights."""
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


def train_model(model: Any, tokenizer: Any, steps: int, seed: int) -> None:
    """Trains the model in place over all steps."""
    import torch
    from torch.nn.functional import cross_entropy

    from demo.halves import multiply_in_halves, multiply_plainly

    pad = tokenizer.token_to_id(END_OF_TEXT)
    model.train()
    multiply_in_halves(model)
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers = (
        torch.optim.Muon(matrices, lr=MATRIX_RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    )
    rates = (MATRIX_RATE, OTHER_RATE)
    smooth = math.log(tokenizer.get_vocab_size())
    started = time.monotonic()
    for step, batch in enumerate(draw_steps(random.Random(seed), tokenizer, steps)):
        width = max(len(row.ids) for row in batch)
        ids = torch.tensor([row.ids + [pad] * (width - len(row.ids)) for row in batch])
        learnt = torch.tensor([row.learnt + [False] * (width - len(row.ids)) for row in batch])
        # Rows are padded on the right and attention is causal, so no mask is needed.
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        loss = cross_entropy(model.lm_head(hidden[:, :-1][learnt[:, 1:]]), ids[:, 1:][learnt[:, 1:]])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        factor = draw_schedule(step, steps)[0]
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        smooth = 0.98 * smooth + 0.02 * loss.item()
        print_step(step, steps, smooth, started)
    multiply_plainly(model)


def save_model(model: Any, tokenizer: Any, target: Path) -> None:
    """Writes the model. Float16 is half the size of float32 and more precise than bfloat16."""
    import torch
    from transformers import GenerationConfig

    target.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.token_to_id(END), pad_token_id=tokenizer.token_to_id(END_OF_TEXT)
    )
    model.to(torch.float16).save_pretrained(target)
    save_tokenizer(tokenizer, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=MODEL_DIR)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(options.threads)
    tokenizer = build_tokenizer()
    model = create_model(tokenizer, options.seed)
    train_model(model, tokenizer, options.steps, options.seed)
    save_model(model, tokenizer, options.out)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters / 1e6:.2f} M parameters, {tokenizer.get_vocab_size()} tokens, in {options.out}")


if __name__ == "__main__":
    main()
