"""From a dataset to an adapter or a checkpoint, read top to bottom: recipe -> base -> objective with its data
and Trainer -> adapter. A recipe with stages does so for each of them (stages.py).

The reference is always the plain base model. Same dataset, recipe, threads, lock and CPU type give the same
bytes; a run killed at any moment continues from its newest whole checkpoint and ends with those bytes, too.
Only the training's own losses are measured (see evaluate.py); no store is known here.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Before any import of the libraries that read them: no call leaves the machine.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from transformers import AutoTokenizer, PrinterCallback, ProgressCallback, set_seed
from transformers.utils import logging as transformers_logging

from serving.files import write_atomically
from trainer.base_model import freeze_lower, load_base
from trainer.data.chat import read_chat
from trainer.data.tagged import count_tagged
from trainer.estimate.disk import require_disk
from trainer.estimate.forecast import foresee
from trainer.estimate.need import RunNeed, time_reading
from trainer.estimate.peak import forget_peak, read_memory, read_peak
from trainer.objectives.arguments import build_method, build_settings
from trainer.objectives.by_name import choose_prepare, read_data
from trainer.progress import Counter, Listener, fan_out, write_progress
from trainer.recipes.adapter_layers import require_trained
from trainer.recipes.methods import NEVER_SERVED
from trainer.recipes.recipe import Recipe
from trainer.training.callbacks import EarlyStopping, TrainingWatch
from trainer.training.checkpoints import drop_unfinished, find_checkpoint
from trainer.training.saving import load_adapter, save_adapter
from trainer.training.stages import TrainResult, train_in_stages
from trainer.training.whole_model import merge_earlier, save_whole

log = logging.getLogger(__name__)
transformers_logging.disable_progress_bar()  # progress has its own listeners


def train(
    dataset_dir: Path,
    base: Path,
    recipe: Recipe,
    run_dir: Path,
    on_progress: Listener,
    *,
    reference_dir: Path | None = None,
    on_reading: Counter | None = None,
    on_forecast: Callable[[RunNeed], None] = lambda need: None,
    earlier: Path | None = None,
) -> TrainResult:
    """Trains one adapter or checkpoint into `run_dir/adapter`.

    After a kill, call it again with the same arguments: it continues. `reference_dir`: where stored reference
    log-probabilities are kept from run to run; None keeps them beside this run. `on_reading` is called while
    they are computed, `on_forecast` before the first step. `earlier`: the adapter that method `progressive`
    merges into the base. Under `accelerate launch` every process calls this; the first one writes. Raises
    BaseUnfit, RecipeRefused or DiskShort at once if the base cannot be trained so.
    """
    require_trained(base, recipe)
    run_dir.mkdir(parents=True, exist_ok=True)
    require_disk(run_dir, base, recipe)
    (run_dir / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    torch.set_num_threads(recipe.threads)
    data_dir = reference_dir or run_dir
    train_one = partial(_train_stage, base, reference_dir=data_dir, on_reading=on_reading, earlier=earlier)
    if recipe.stages:
        return train_in_stages(
            train_one, dataset_dir, base, recipe, run_dir, on_progress, on_forecast, data_dir=data_dir
        )
    return train_one(dataset_dir, recipe, run_dir, on_progress, on_forecast)


def _train_stage(
    base: Path,
    dataset_dir: Path,
    recipe: Recipe,
    run_dir: Path,
    on_progress: Listener,
    on_forecast: Callable[[RunNeed], None],
    begin: Path | None = None,
    *,
    reference_dir: Path,
    on_reading: Counter | None,
    earlier: Path | None,
) -> TrainResult:
    """One training, from the plain base, from the adapter `begin`, or from the base with `earlier` merged."""
    set_seed(recipe.seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token_id = read_chat(tokenizer).pad  # TRL takes EOS where there is none, if there is EOS
    data = read_data(dataset_dir, base, tokenizer, recipe)
    forget_peak()
    program = read_memory()
    model = load_base(base, recipe.dtype, quantised=recipe.method == "qlora")
    freeze_lower(model, recipe)
    need = foresee(
        data,
        base,
        recipe,
        reference_dir=reference_dir,
        program=program,
        reading=time_reading(model, tokenizer.pad_token_id, recipe.max_length),
    )
    log.info("%s", need)
    warn_of_method(recipe)
    on_forecast(need)
    lora, checkpoints = build_method(base, recipe), run_dir / "checkpoints"
    prepare = choose_prepare(recipe, reference_dir=reference_dir, on_reading=on_reading)
    settings = build_settings(recipe.settle_epochs(len(data.found.examples)), checkpoints)
    trainer, counts = prepare(data, model, recipe, lora, settings)
    if begin is not None:
        load_adapter(trainer.accelerator.unwrap_model(trainer.model), begin)
        trainer.begins_at_base = False
    if recipe.method == "progressive":
        assert earlier is not None, "a run by method progressive names its earlier adapter"
        merge_earlier(trainer.accelerator.unwrap_model(trainer.model), earlier)
        trainer.begins_at_base = False

    listener = fan_out(write_progress(run_dir / "progress.jsonl"), on_progress)
    trainer.add_callback(
        TrainingWatch(listener, checks_margin=begin is None and recipe.objective in ("dpo", "kto"))
    )
    trainer.remove_callback(PrinterCallback)  # progress has its own listeners
    trainer.remove_callback(ProgressCallback)
    if recipe.patience and trainer.eval_dataset is not None:
        trainer.add_callback(EarlyStopping(recipe.patience))

    if trainer.is_world_process_zero():
        drop_unfinished(checkpoints)
    # PEFT saves virtual tokens without what they are made of: such a run begins again.
    checkpoint = find_checkpoint(checkpoints) if recipe.is_served else None
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if recipe.objective == "choice":
        counts["unpacked"] = trainer.reader.obstacle  # known at the end: a later row may have failed
    metrics = {
        "objective": recipe.objective,
        "recipe_digest": recipe.digest,
        **counts,
        **({"tags": count_tagged(dataset_dir, recipe.tag_weights)} if recipe.tag_weights else {}),
        "steps": trainer.state.global_step,
        "resumed_from": checkpoint.name if checkpoint else None,
        **_read_log(trainer.state.log_history, recipe),
        "held_out_loss": _find_held_out_loss(trainer.state, recipe),
        "seconds": round(time.monotonic() - started, 2),
        "need": need.to_json() | {"measured": read_peak()},
    }
    adapter_dir = run_dir / "adapter"
    if trainer.is_world_process_zero():
        save = partial(save_whole, base=base) if recipe.is_whole else save_adapter
        save(trainer.accelerator.unwrap_model(trainer.model), target=adapter_dir)
        write_atomically(run_dir / "metrics.json", json.dumps(metrics, indent=2).encode())
    trainer.accelerator.wait_for_everyone()  # the next stage begins from these files
    return TrainResult(adapter_dir, metrics)


def warn_of_method(recipe: Recipe) -> None:
    """Says before the first step what the recipe's method costs."""
    if recipe.method == "qlora" and not torch.cuda.is_available():
        log.warning("method qlora on a CPU: each product unpacks its weights first, several times slower")
    if not recipe.is_served:
        log.warning("method %s: %s", recipe.method, NEVER_SERVED)


def _read_log(history: list[dict[str, float]], recipe: Recipe) -> dict[str, float | None]:
    """From the log of all steps: mean loss, share of steps with a clipped gradient, and the last margin,
    accuracy and shift, which not every objective has.

    The shift is that of the held-out examples, if there are any. Checkpoints carry the log, so a resumed run
    knows the steps before the kill.
    """
    steps = [entry for entry in history if "loss" in entry]
    checks = [entry["eval_shift"] for entry in history if "eval_shift" in entry]
    return {
        "loss": sum(entry["loss"] for entry in steps) / len(steps),
        "clipped": sum(entry["grad_norm"] > recipe.max_grad_norm for entry in steps) / len(steps),
        "margin": steps[-1].get("rewards/margins"),
        "accuracy": steps[-1].get("rewards/accuracies"),
        "shift": checks[-1] if checks else steps[-1].get("shift"),
    }


def _find_held_out_loss(state: Any, recipe: Recipe) -> float | None:
    """The held-out loss of the adapter that is kept: the best one with patience, else the last one."""
    if recipe.patience:
        best: float | None = state.best_metric
        return best
    losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    return losses[-1] if losses else None
