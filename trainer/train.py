"""From a dataset to a LoRA adapter, read top to bottom: recipe -> base -> rows -> PEFT -> objective ->
Trainer -> adapter.

The reference is always the plain base model. Same dataset, recipe, threads, lock and CPU type give the same
bytes; a run killed at any moment continues from its newest whole checkpoint and ends with those bytes too. It
measures nothing beyond its own loss (see evaluate.py) and knows no store.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before any import of the libraries that read them: no call leaves the machine.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    set_seed,
)
from transformers.utils import logging as transformers_logging
from trl import DPOConfig, DPOTrainer

from trainer.checkpoints import find_checkpoint, mark_done, sync
from trainer.errors import NothingToTrainOn, ReferenceMismatch
from trainer.progress import Listener, Report, tell_all, write_progress
from trainer.recipe import Recipe
from trainer.rows import TrainingRows, load_rows

transformers_logging.disable_progress_bar()  # progress has its own listeners
MARGIN_TOLERANCE = 1e-3  # nats; with the reference in the run it is 0 exactly


@dataclass(frozen=True)
class TrainResult:
    """Where the adapter lies (its two files, nothing else) and what training said about itself."""

    adapter_dir: Path
    metrics: dict[str, Any]


def train(dataset_dir: Path, base: Path, recipe: Recipe, run_dir: Path, on_progress: Listener) -> TrainResult:
    """Trains one adapter into `run_dir/adapter`.

    Call it again with the same arguments after a kill: it continues.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    torch.set_num_threads(recipe.threads)
    set_seed(recipe.seed)

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, recipe.dtype))
    rows = _load_split(dataset_dir, "train", tokenizer, recipe, recipe.max_pairs)
    if not rows.rows:
        raise NothingToTrainOn(dataset_dir, rows.refusals)
    held_out = _load_split(dataset_dir, "validation", tokenizer, recipe, recipe.max_held_out_pairs)

    watch = _Watch(tell_all(write_progress(run_dir / "progress.jsonl"), on_progress))
    trainer = _PairTrainer(
        model=model,  # plain: TRL would take a trained PEFT model as its own reference
        args=_build_arguments(recipe, run_dir / "checkpoints", watched=bool(held_out.rows)),
        train_dataset=Dataset.from_list(rows.rows),
        eval_dataset=Dataset.from_list(held_out.rows) if held_out.rows else None,
        processing_class=tokenizer,
        peft_config=_build_lora(recipe),
        callbacks=[watch],
    )
    trainer.remove_callback(PrinterCallback)  # progress has its own listeners
    trainer.remove_callback(ProgressCallback)
    if recipe.patience and held_out.rows:
        trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=recipe.patience))

    checkpoint = find_checkpoint(run_dir / "checkpoints")
    started = time.monotonic()
    outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    adapter_dir = _save_adapter(trainer.model, run_dir / "adapter")

    metrics = {
        "objective": recipe.objective,
        "recipe_digest": recipe.digest,
        "pairs_found": rows.found,
        "pairs_trained": len(rows.rows),
        "pairs_held_out": len(held_out.rows),
        "refusals": dict(rows.refusals),
        "steps": trainer.state.global_step,
        "resumed_from": checkpoint.name if checkpoint else None,
        "loss": outcome.training_loss,
        "margin": watch.last.margin if watch.last else None,
        "accuracy": watch.last.accuracy if watch.last else None,
        "held_out_loss": trainer.state.best_metric,
        "seconds": round(time.monotonic() - started, 2),
    }
    (run_dir / "metrics.json").write_text(json.dumps(metrics, indent=2), encoding="utf-8")
    return TrainResult(adapter_dir, metrics)


def _load_split(
    dataset_dir: Path, split: str, tokenizer: Any, recipe: Recipe, limit: int | None
) -> TrainingRows:
    return load_rows(
        dataset_dir, split, tokenizer, max_length=recipe.max_length, limit=limit, seed=recipe.seed
    )


def _build_lora(recipe: Recipe) -> LoraConfig:
    """Only what vLLM can serve: no DoRA, no bias, no other module saved."""
    modules = recipe.target_modules
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=0.0,
        bias="none",
        target_modules=modules if isinstance(modules, str) else list(modules),
    )


def _build_arguments(recipe: Recipe, checkpoints: Path, *, watched: bool) -> DPOConfig:
    """Every default of TRL that would surprise here is set: bf16, checkpointing, truncation, reports to the
    outside.
    """
    cuda = torch.cuda.is_available()
    return DPOConfig(
        output_dir=str(checkpoints),
        loss_type=["sigmoid", "sft"] if recipe.nll_weight else ["sigmoid"],
        loss_weights=[1.0, recipe.nll_weight] if recipe.nll_weight else [1.0],
        beta=recipe.beta,
        max_length=None,  # rows that are too long were refused before
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup_share,  # below 1: a share of all steps
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulation,
        gradient_checkpointing=recipe.gradient_checkpointing,
        bf16=cuda and recipe.dtype == "bfloat16",
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        seed=recipe.seed,
        data_seed=recipe.seed,
        logging_steps=1,
        save_strategy="steps",
        save_steps=recipe.checkpoint_steps,
        save_total_limit=2,
        eval_strategy="steps" if watched else "no",
        eval_steps=recipe.checkpoint_steps,
        load_best_model_at_end=watched and recipe.patience > 0,
        metric_for_best_model="eval_loss" if watched else None,
        greater_is_better=False if watched else None,
        prediction_loss_only=True,
        report_to=[],
        disable_tqdm=True,
    )


def _save_adapter(model: Any, target: Path) -> Path:
    """The two files that serving takes, the same bytes each time: sorted lists, no local path, F32."""
    model.to(torch.float32).save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)
    path = target / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "base"
    config = {key: sorted(value) if isinstance(value, list) else value for key, value in config.items()}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for file in target.iterdir():
        sync(file)
    return target


class _PairTrainer(DPOTrainer):  # type: ignore[misc]
    """TRL's DPO on rows that are tokenised already: its own tokenising takes the template's end, which no
    engine makes, for reply.
    """

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


class _Watch(TrainerCallback):  # type: ignore[misc]
    """Reports each step, stops a run whose reference is not the base, and marks whole checkpoints."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._started = time.monotonic()
        self._first_step = 0
        self.last: Report | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started, self._first_step = time.monotonic(), state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if args.eval_strategy != "no" and state.global_step >= state.max_steps:
            control.should_evaluate = True  # the last steps are a candidate for the best, too

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "rewards/margins" not in logs:
            return
        # The first step's forward runs before any update: B is 0, so margins are 0 if the reference is the
        # base.
        if state.global_step == 1 and abs(logs["rewards/margins"]) > MARGIN_TOLERANCE:
            raise ReferenceMismatch(logs["rewards/margins"])
        done = state.global_step - self._first_step
        left = (state.max_steps - state.global_step) * (time.monotonic() - self._started) / max(done, 1)
        self._tell(state, logs["loss"], logs["rewards/margins"], logs["rewards/accuracies"], left)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        if self.last:
            last = self.last
            self._tell(
                state, last.loss, last.margin, last.accuracy, last.seconds_left, metrics.get("eval_loss")
            )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        mark_done(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def _tell(
        self,
        state: Any,
        loss: float,
        margin: float,
        accuracy: float,
        left: float,
        held_out: float | None = None,
    ) -> None:
        self.last = Report(
            state.global_step, state.max_steps, loss, margin, accuracy, round(left, 1), held_out
        )
        self._listener(self.last)
