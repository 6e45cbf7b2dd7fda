"""The two sides of `bench.train`, each a Trainer on the same choices: TRL's DPOTrainer and the objective
`choice`.

Both train the same adapter on the same tokens with the same optimizer, with equally many choices in a step.
The learning rate is 0, so each round repeats the same work, and the log-ratios to the reference stay 0, as
the trainer's check of its reference requires.
"""

import gc
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import PrinterCallback, TrainerCallback, TrainingArguments
from transformers.utils import logging as transformers_logging
from trl import DPOConfig

from bench.train_shapes import derive_pairs, load_tokenizer, make_model
from trainer.data.example import Example
from trainer.objectives.choice.prepare import read_base
from trainer.objectives.choice.trainer import ChoiceTrainer
from trainer.objectives.dpo import PairTrainer
from trainer.packing.fused_lora import fuse_products
from trainer.packing.logprobs import PackedScorer
from trainer.packing.rows import count_longest
from trainer.packing.tolerance import find_tolerance

transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()  # a random model's EOS differs from the tokenizer's
Mode = Literal["dpo", "dpo_stored", "run_reference", "stored_reference", "bf16", "trees"]
PAIRS: tuple[Mode, ...] = ("dpo", "dpo_stored")  # TRL's
RANK = 16
BETA = 0.1


@dataclass(frozen=True)
class SidePlan:
    """The settings that both sides share. `step` is the number of choices in one optimizer step."""

    model: str
    device: str
    threads: int
    step: int

    @property
    def halves(self) -> bool:
        return self.device == "cuda"

    def settings(self, folder: Path) -> dict[str, Any]:
        return {
            "output_dir": str(folder),
            "learning_rate": 0.0,
            "lr_scheduler_type": "constant",
            "num_train_epochs": 1,
            "gradient_checkpointing": False,
            "bf16": self.halves,
            "use_cpu": not self.halves,
            "dataloader_pin_memory": self.halves,
            "save_strategy": "no",
            "report_to": [],
            "disable_tqdm": True,
        }


class Pass(NamedTuple):
    """Seconds of one pass; `processor` is this process's CPU time, which others hardly change."""

    seconds: float
    processor: float

    def cost(self, plan: SidePlan) -> float:
        """The time that sizes are chosen by: on a CPU the one that others hardly change."""
        return self.processor if plan.device == "cpu" else self.seconds


class _Clock(TrainerCallback):  # type: ignore[misc]
    """Times training from its start to the end of the last step, without setting up and ending the run."""

    def __init__(self) -> None:
        self.taken = self._started = Pass(0.0, 0.0)

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._started = read_clocks()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        now = read_clocks()
        self.taken = Pass(now.seconds - self._started.seconds, now.processor - self._started.processor)


def read_clocks() -> Pass:
    """Reads both clocks after waiting for the GPU to finish its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Pass(time.perf_counter(), time.process_time())


class TrainSide:
    """One way to train on `examples`. `size` is pairs per batch for TRL, tokens per row otherwise. `trees`
    means whole conversations with a stored reference; in other modes each turn is separate. What is stored
    is computed before `run`.
    """

    def __init__(self, plan: SidePlan, mode: Mode, examples: Sequence[Example], size: int) -> None:
        torch.set_num_threads(plan.threads)
        self._plan, self.mode, self.size = plan, mode, size
        self._examples = list(examples)
        if mode != "trees":
            self._examples = [replace(example, conversation=example.id) for example in examples]
        self._folder = tempfile.TemporaryDirectory()
        self._clock = _Clock()
        make = self._make_dpo if mode in PAIRS else self._make_choice
        self._trainer = make(make_model(plan.model, device=plan.device, dtype=self._dtype))
        self._trainer.remove_callback(PrinterCallback)
        self._trainer.add_callback(self._clock)

    @property
    def _dtype(self) -> torch.dtype:
        return torch.bfloat16 if self._plan.halves else torch.float32

    @cached_property
    def _lora(self) -> LoraConfig:
        return LoraConfig(
            task_type="CAUSAL_LM", r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules="all-linear"
        )

    def run(self) -> Pass:
        """Trains one pass over the examples; returns its seconds."""
        self._trainer.train()
        return self._clock.taken

    def close(self) -> None:
        """Frees the memory of this side."""
        del self._trainer
        self._folder.cleanup()
        gc.collect()
        if self._plan.device == "cuda":
            torch.cuda.empty_cache()

    def _make_dpo(self, model: Any) -> Any:
        rows = derive_pairs(self._examples)
        pairs_of_step = self._plan.step * len(rows) / len(self._examples)
        arguments = DPOConfig(
            **self._plan.settings(Path(self._folder.name)),
            beta=BETA,
            max_length=None,
            precompute_ref_log_probs=self.mode == "dpo_stored",
            per_device_train_batch_size=self.size,
            gradient_accumulation_steps=max(1, round(pairs_of_step / self.size)),
            train_sampling_strategy="sequential",  # in order of length: no padding to speak of
            logging_steps=1_000_000,
        )
        return PairTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            processing_class=load_tokenizer(),
            peft_config=self._lora,
        )

    def _make_choice(self, plain: Any) -> Any:
        model = get_peft_model(plain, self._lora)
        halves = self.mode == "bf16"
        if self._plan.device == "cpu":
            fuse_products(model, halves=halves)
        reader = PackedScorer(model, autocast=self._plan.halves)
        reader.check(model, max(self._examples, key=count_longest))
        if reader.obstacle is not None:
            raise SystemExit(f"{self._plan.model} takes no packed rows: {reader.obstacle}")
        known = None
        if self.mode != "run_reference":  # kept from an earlier night: no part of the time measured
            values = read_base(model, reader, self._examples)
            known = {example.id: tuple(found) for example, found in zip(self._examples, values, strict=True)}
        arguments = TrainingArguments(
            **self._plan.settings(Path(self._folder.name)),
            per_device_train_batch_size=self._plan.step,
            remove_unused_columns=False,
            average_tokens_across_devices=False,
            train_sampling_strategy="sequential",
            logging_steps=1,
        )
        exact = not halves and not self._plan.halves
        return ChoiceTrainer(
            model,
            reader,
            beta=BETA,
            row_tokens=self.size,
            known=known,
            tolerance=partial(find_tolerance, exact=exact),
            train=self._examples,
            held_out=[],
            args=arguments,
        )


def compare_products(shape: tuple[int, int, int], threads: int, *, repeats: int = 30) -> float:
    """How many times as fast this CPU multiplies [m, k] by [k, n] in bfloat16 (without units: below 1)."""
    torch.set_num_threads(threads)
    m, k, n = shape
    seconds: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    for _ in range(repeats):
        for dtype, found in seconds.items():
            a, b = torch.ones(m, k, dtype=dtype), torch.ones(k, n, dtype=dtype)
            started = time.perf_counter()
            torch.mm(a, b)
            found.append(time.perf_counter() - started)
    return min(seconds[torch.float32]) / min(seconds[torch.bfloat16])
