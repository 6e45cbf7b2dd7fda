"""The dry pass before the first step: an untrained adapter of this base and recipe goes through the adapter
check, into the engine and through the probe.

What the trainer cannot save, the engine does not load, or both compute differently ends the run here, in
seconds, and not after the night. A dry pass that succeeded is kept for its base, recipe and engine. Without
an engine only the files are checked.
"""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from serving.adapters.check import check_adapter
from serving.adapters.probe import GUARDS, TOLERANCE, read_probe, run_probe
from serving.adapters.trials import TrialKey, TrialRecord, has_trial, write_trial
from serving.base import compute_base_id
from serving.client.fleet import Fleet
from serving.engine.preflight import require_served
from serving.errors import (
    AdapterRefused,
    EngineNotRunning,
    EngineTimeout,
    EngineUnreachable,
    ProbeFailed,
    ServingError,
)
from serving.facts.profile import read_profile
from trainer.context import NightContext
from trainer.errors import TextRefused, TrialFailed
from trainer.evaluation.guards.sets import list_prompts
from trainer.evaluation.reply_faults import Messages
from trainer.recipes.recipe import Recipe

log = logging.getLogger(__name__)

PROMPTS = 3  # of our own guard prompts; a system and a user message are among them
_LAYERS = "Name fewer layers in target_modules of the recipe, or choose another base_model."
_TEMPLATE = "Correct chat_template.jinja beside the weights, or choose another base_model."
_NUMBERS = "Choose another [serving] dtype or another base_model."


def try_base(ctx: NightContext, recipe: Recipe, run_dir: Path) -> None:
    """Makes the dry pass unless it was made before. Raises BaseUnfit or TrialFailed."""
    if not ctx.serving.replicas:
        require_served(ctx.serving, ctx.base)
    key = TrialKey(
        compute_base_id(ctx.base),
        recipe.digest,
        "" if ctx.serving.replicas else read_profile(ctx.base).engine.version,
        ctx.serving.dtype,
    )
    if has_trial(ctx.data_dir, key):
        return
    folder = run_dir / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        found = make_trial(ctx, recipe, folder, name=f"trial-{run_dir.name}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found is not None:
        write_trial(ctx.data_dir, TrialRecord(key, found, ctx.clock.now().isoformat()))
        log.info("dry pass: engine and trainer differ by %.2g nat at most", found)


def make_trial(ctx: NightContext, recipe: Recipe, folder: Path, *, name: str) -> float | None:
    """The largest difference between engine and trainer, in nats; None if no engine answered."""
    weights = folder / "weights"
    try:
        save_untrained(ctx.base, recipe, weights)
        check_adapter(weights, base=ctx.base, max_rank=ctx.serving.max_lora_rank)
        require_rendered(ctx, list_prompts(PROMPTS))
        fleet = ctx.fleet_factory()
        if not fleet.is_ready():
            raise EngineNotRunning(ctx.data_dir / "endpoint.json")
        write_trial_probe(ctx, recipe, folder)
        return probe_trial(ctx, fleet, folder, name)
    except AdapterRefused as refused:
        raise TrialFailed(f"({refused.reason_code}) {refused.detail}", _LAYERS) from refused
    except TextRefused as refused:
        raise TrialFailed(str(refused), _TEMPLATE) from refused
    except ProbeFailed as failed:
        raise TrialFailed(failed.detail, _NUMBERS) from failed
    except (EngineNotRunning, EngineUnreachable, EngineTimeout) as away:
        log.warning("no engine answers, so serving is not yet tried with this base: %s", away)
        return None


def save_untrained(base: Path, recipe: Recipe, target: Path) -> None:
    """Writes the adapter as it is before its first step (B = 0), as a run would save it."""
    from peft import get_peft_model

    from trainer.base_model import load_base
    from trainer.objectives.arguments import build_lora
    from trainer.training.saving import save_adapter

    target.mkdir(parents=True)
    save_adapter(get_peft_model(load_base(base, recipe.dtype), build_lora(base, recipe)), target)


def require_rendered(ctx: NightContext, prompts: Sequence[Messages]) -> None:
    """Raises TextRefused if the base cannot read one of our own prompts: the gate asks them every night."""
    from transformers import AutoTokenizer

    from trainer.data.tokens import encode_prompt

    tokenizer = AutoTokenizer.from_pretrained(ctx.base)
    for prompt in prompts:
        encode_prompt(tokenizer, prompt, ctx.serving.chat_template_kwargs)


def write_trial_probe(ctx: NightContext, recipe: Recipe, folder: Path) -> None:
    from trainer.release.probe import write_probe

    write_probe(
        folder / "probe.json",
        folder / "weights",
        ctx.base,
        compute_base_id(ctx.base),
        list_prompts(PROMPTS),
        prompts_from=GUARDS,
        dtype=ctx.serving.dtype,
        threads=recipe.threads,
        template_kwargs=ctx.serving.chat_template_kwargs,
    )


def probe_trial(ctx: NightContext, fleet: Fleet, folder: Path, name: str) -> float:
    """Loads the adapter, compares what engine and trainer compute, and unloads it again."""
    probe = read_probe(folder / "probe.json", name)
    fleet.load_adapter(name, folder / "weights")
    try:
        report = run_probe(fleet, name, probe, tolerance=TOLERANCE[ctx.serving.dtype])
    finally:
        try:
            fleet.unload_adapter(name)
        except ServingError as left:
            log.warning("%s could not be unloaded: %s", name, left)
    return report.largest_difference
