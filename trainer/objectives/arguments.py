"""What all objectives pass to transformers: the LoRA configuration, TrainingArguments, and the batch size of
each process.
"""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig
from transformers import TrainingArguments

from serving.facts.layers import TOWER
from serving.facts.profile import read_profile
from trainer.errors import RecipeRefused
from trainer.recipes.adapter_layers import choose_layers
from trainer.recipes.recipe import Recipe


def build_lora(base: Path, recipe: Recipe) -> LoraConfig:
    """The LoRA configuration, limited to what vLLM can serve: no DoRA, no bias, no other saved module, and
    only layers of the base that the engine takes.

    Raises RecipeRefused if the recipe names others.
    """
    profile = read_profile(base)
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.rank,
        lora_alpha=recipe.scale_alpha,
        lora_dropout=0.0,
        bias="none",
        target_modules=choose_layers(profile, recipe),
        exclude_modules=f"(?i).*({TOWER}).*" if profile.multimodal else None,
    )


VIRTUAL_CONFIGS: dict[str, Any] = {
    "prompt": PromptTuningConfig,
    "p_tuning": PromptEncoderConfig,
    "prefix": PrefixTuningConfig,
}


def build_method(base: Path, recipe: Recipe) -> PeftConfig | None:
    """What PEFT puts on the base for the recipe's method; None if the base's own weights learn. Raises
    RecipeRefused.
    """
    if recipe.method in ("full", "freeze"):
        return None
    if recipe.is_served:
        return build_lora(base, recipe)
    return VIRTUAL_CONFIGS[recipe.method](task_type="CAUSAL_LM", num_virtual_tokens=recipe.virtual_tokens)


def build_settings(recipe: Recipe, checkpoints: Path) -> dict[str, Any]:
    """TrainingArguments of all objectives: every default that would surprise here is set explicitly."""
    cuda = torch.cuda.is_available()
    return {
        "output_dir": str(checkpoints),
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.schedule,
        "warmup_steps": recipe.warmup_share,  # below 1: a share of all steps
        "max_grad_norm": recipe.max_grad_norm,
        "num_train_epochs": recipe.epochs,
        "gradient_accumulation_steps": recipe.accumulation,
        "gradient_checkpointing": recipe.gradient_checkpointing,
        "bf16": cuda and (recipe.bf16 or recipe.dtype == "bfloat16"),
        "use_cpu": not cuda,
        "dataloader_pin_memory": cuda,
        "ddp_find_unused_parameters": False,  # every row goes through every adapter
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # it logs a step that is not finite as a loss of 0
        "save_strategy": "steps",
        "save_steps": recipe.checkpoint_steps,
        "save_total_limit": 2,
        "report_to": [],
        "disable_tqdm": True,
    }


def watch_held_out(recipe: Recipe, *, watched: bool) -> dict[str, Any]:
    """Arguments for held-out checks, and for keeping the best checkpoint, if anything is held out."""
    if not watched:
        return {"eval_strategy": "no"}
    return {
        "eval_strategy": "steps",
        "eval_steps": recipe.checkpoint_steps,
        "load_best_model_at_end": recipe.patience > 0,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
    }


def share_batch(arguments: TrainingArguments, recipe: Recipe) -> None:
    """Sets the batch size of each process so that all together take `batch_size`: several take the same steps
    as one.

    Raises RecipeRefused if it does not divide evenly.
    """
    each, rest = divmod(recipe.batch_size, arguments.world_size)
    if rest:
        processes = f"{arguments.world_size} processes"
        raise RecipeRefused(
            recipe.name, [f"batch_size: {recipe.batch_size} does not divide among {processes}"]
        )
    arguments.per_device_train_batch_size = each
