"""The model card of an adapter, `README.md` beside its weights, in the form that model hubs read: front
matter, then where the adapter comes from, how it was trained, what was measured, what was decided.

Plain text from values; nothing is measured here. `feedback.deployment.model_cards` keeps the last section up
to date.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData

from feedback.datasets.members import Members
from feedback.deployment.model_cards import Decided, render_decisions
from feedback.records.text import escape
from trainer.evaluation.gate import GateDecision
from trainer.evaluation.report import OfflineReport
from trainer.recipes.recipe import Recipe

RULES = ("uniform", "slot", "length", "base", "adapter", "adapter_slot", "serving")
# Keys that say nothing about the weights, or hold the team's words and paths.
NO_PART = {"measurement", "checkpoint_steps", "threads", "tag_weights", "mix"}
ROWS = {  # by objective, what is learnt from
    "examples": "training examples: choices, pairs and thumbs",
    "pairs": "training pairs",
    "texts": "texts that people wrote",
    "thumbs": "thumbs",
}
ADAPTER = (
    "LoRA adapter for a support assistant, trained by Rejoinder on what people picked, wrote and rated. "
    "It is of use with its base alone: load `weights/` with PEFT, or serve it with vLLM under its own name.\n"
)
CHECKPOINT = (
    "Checkpoint of a support assistant, trained by Rejoinder on what people picked, wrote and rated. It is a "
    "whole model: load `weights/` with transformers, or serve it with vLLM.\n"
)
HUB_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class Origin:
    """Where an adapter comes from. `members`: None if the dataset's files are gone."""

    name: str
    base: str
    base_id: str
    dataset_id: str
    run_id: str
    members: Members | None


def write_card(
    origin: Origin,
    *,
    recipe: Recipe,
    metrics: Mapping[str, Any],
    report: OfflineReport,
    decision: GateDecision,
    actor: str,
    now: datetime,
) -> str:
    reasons = ", ".join(reason.code for reason in decision.reasons) or "passed the offline gate"
    parts = [
        f"---\n{write_front_matter(origin, recipe, report)}\n---\n",
        f"# {origin.name}\n",
        CHECKPOINT if recipe.is_whole else ADAPTER,
        "## Base\n",
        f"`{name_base(origin.base)}`, sha256 over its weights, tokenizer and template: `{origin.base_id}`\n",
        *write_data(origin, metrics),
        *write_recipe(origin, recipe, metrics),
        *write_choices(report),
        *write_replies(report),
        *write_guards(report),
        render_decisions([Decided(now, decision.verdict, actor, reasons)]),
    ]
    return "\n".join(parts)


def write_front_matter(origin: Origin, recipe: Recipe, report: OfflineReport) -> str:
    """The YAML of the front matter, without the dashes around it."""
    results = list_results(origin, report)
    found = origin.members.by["language"] if origin.members else {}
    languages = sorted({each[0] for name in found if (each := LANGUAGE.match(name.lower()))})
    preferred = [] if recipe.objective == "sft" else ["preference"]
    data = ModelCardData(
        library_name="transformers" if recipe.is_whole else "peft",
        pipeline_tag="text-generation",
        base_model=name_base(origin.base),
        base_model_relation="finetune" if recipe.is_whole else "adapter",
        datasets=[origin.dataset_id],
        language=languages or None,
        tags=["rejoinder", recipe.method if recipe.is_whole else "lora", *preferred, recipe.objective],
        metrics=sorted({result.metric_type for result in results}) or None,
        model_name=origin.name,
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()


def list_results(origin: Origin, report: OfflineReport) -> list[EvalResult]:
    """The adapter's scores on the held-out choices of its dataset, in the form that model hubs read."""
    if report.adapter is None:
        return []
    found = {"accuracy": report.adapter.accuracy, "log_loss": report.adapter.log_loss}
    return [
        EvalResult(
            task_type="text-generation",
            task_name="Predicting which of the suggested replies an agent picks",
            dataset_type=origin.dataset_id,
            dataset_name=f"choices of {origin.dataset_id[:12]}",
            dataset_split="test",
            metric_type=metric,
            metric_name={"accuracy": "Accuracy", "log_loss": "Nats per choice"}[metric],
            metric_value=round(value, 6),
        )
        for metric, value in found.items()
    ]


def name_base(base: str) -> str:
    """The hub name of the base; for a folder only its last part, since its path may be private."""
    is_folder = Path(base).is_absolute() or base.startswith((".", "~")) or not HUB_NAME.fullmatch(base)
    return Path(base).name if is_folder else base


def write_data(origin: Origin, metrics: Mapping[str, Any]) -> list[str]:
    lines = ["## Data\n", f"Dataset `{origin.dataset_id}`; trained on {count_rows(metrics)}.\n"]
    if origin.members is None:
        return lines
    rows = [("records", name, count) for name, count in sorted(origin.members.counts.items())]
    for what in ("source", "language", "tag", "split"):
        counts = origin.members.by[what]
        rows += [(what, name or "–", counts[name]) for name in sorted(counts, key=lambda n: (-counts[n], n))]
    table = [f"| {what} | {escape(name)} | {count} |" for what, name, count in rows]
    return [*lines, "| by | | records |", "| --- | --- | ---: |", *table, ""]


def write_recipe(origin: Origin, recipe: Recipe, metrics: Mapping[str, Any]) -> list[str]:
    values = recipe.model_dump(mode="json", exclude=NO_PART)
    return [
        "## Recipe\n",
        f"`{recipe.name}` (`{recipe.digest[:16]}`), {metrics['steps']} steps in run `{origin.run_id}`\n",
        f"```yaml\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True).strip()}\n```\n",
        *write_mix(metrics.get("mix")),
    ]


def write_mix(mix: Mapping[str, Any] | None) -> list[str]:
    if not mix:
        return []
    return [f"Beside them {mix['mixed_in']} general replies (set sha256 `{mix['sha256'][:16]}`).\n"]


def write_choices(report: OfflineReport) -> list[str]:
    lines = [
        f"## Held-out choices (n = {report.n} of {report.total})\n",
        "| rule | nats per choice | 95 % interval | accuracy |",
        "| --- | ---: | --- | ---: |",
    ]
    for rule in RULES:
        score = getattr(report, rule)
        if score is not None:
            low, high = score.ci95
            lines.append(
                f"| {rule} | {score.log_loss:.3f} | {low:.3f} to {high:.3f} | {score.accuracy:.1%} |"
            )
    lines.append("")
    if report.kl_to_base is not None and report.pair_accuracy is not None:
        drift, pairs = report.kl_to_base, report.pair_accuracy
        lines.append(f"KL to base {drift:.3f} nats per token; pair accuracy {pairs:.1%}.\n")
    return lines


def write_replies(report: OfflineReport) -> list[str]:
    found = report.replies
    if found is None:
        return []
    return [
        f"## Replies to {found.prompts} fixed prompts\n",
        f"Broken: greedy {found.broken_greedy:.1%} (base {found.broken_greedy_base:.1%}), "
        f"of {found.sampled} sampled {found.broken_sampled:.1%} (base {found.broken_sampled_base:.1%}). "
        f"Length against base: {found.length_ratio:.2f}.\n",
    ]


def write_guards(report: OfflineReport) -> list[str]:
    lines: list[str] = []
    if report.replay is not None:
        seen = report.replay
        lines += [
            f"## General texts (`{seen.name}`, {seen.tokens} tokens)\n",
            f"KL to base {seen.kl:.4f} nats per token; perplexity {seen.perplexity:.2f} "
            f"(base {seen.perplexity_base:.2f}).\n",
        ]
    if report.guards is not None:
        kinds = report.guards.kinds.items()
        rows = (
            f"| {name} | {kind.prompts} | {kind.broken:.1%} | {kind.broken_base:.1%} |"
            for name, kind in kinds
        )
        lines += [
            f"## Guard prompts ({', '.join(sorted(report.guards.sets))})\n",
            "| kind | prompts | broken | base |",
            "| --- | ---: | ---: | ---: |",
            *rows,
            "",
        ]
    return lines


def count_rows(metrics: Mapping[str, Any]) -> str:
    unit = next(unit for unit in ROWS if f"{unit}_trained" in metrics)
    return f"{metrics[f'{unit}_trained']} of {metrics[f'{unit}_found']} {ROWS[unit]}"
