"""The card of an adapter, `README.md` beside its weights: where it comes from, how it was trained, what was
measured.

Plain text from values; measures nothing.
"""

from collections.abc import Mapping
from typing import Any

from trainer.gate import Decision
from trainer.recipe import Recipe
from trainer.report import OfflineReport

RULES = ("uniform", "slot", "base", "adapter", "adapter_slot", "serving")


def write_card(
    *,
    name: str,
    base_id: str,
    dataset_id: str,
    run_id: str,
    recipe: Recipe,
    metrics: Mapping[str, Any],
    report: OfflineReport,
    decision: Decision,
) -> str:
    verdict = (
        "passed"
        if decision.verdict == "passed"
        else "refused: " + ", ".join(r.code for r in decision.reasons)
    )
    lines = [
        f"# {name}",
        "",
        "LoRA adapter for a support assistant, trained by Rejoinder on what agents picked and edited.",
        "",
        f"- Base: `{base_id}`",
        f"- Dataset: `{dataset_id}` ({count_rows(metrics)})",
        f"- Run: `{run_id}`, recipe `{recipe.name}` (`{recipe.digest[:16]}`), seed {recipe.seed}",
        f"- Training: {metrics['steps']} steps, beta {recipe.beta}, NLL {recipe.nll_weight}, "
        f"rate {recipe.learning_rate}, rank {recipe.rank}",
        f"- Offline gate: {verdict}",
        "",
        f"## Held-out choices (n = {report.n} of {report.total})",
        "",
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
    if report.kl_to_base is not None:
        lines += [
            "",
            f"KL to base {report.kl_to_base:.3f} nats per token; pair accuracy {report.pair_accuracy:.1%}.",
        ]
    if report.replies is not None:
        found = report.replies
        lines += [
            "",
            f"## Replies to {found.prompts} fixed prompts",
            "",
            f"Broken: greedy {found.broken_greedy:.1%} (base {found.broken_greedy_base:.1%}), "
            f"of {found.sampled} sampled {found.broken_sampled:.1%} (base {found.broken_sampled_base:.1%}). "
            f"Length against base: {found.length_ratio:.2f}.",
        ]
    return "\n".join([*lines, ""])


def count_rows(metrics: Mapping[str, Any]) -> str:
    if "examples_trained" in metrics:
        found, trained = metrics["examples_found"], metrics["examples_trained"]
        return f"{trained} of {found} training examples: choices, pairs and thumbs"
    return f"{metrics['pairs_trained']} of {metrics['pairs_found']} training pairs"
