"""`rejoinder evaluate`: an adapter on held-out choices, beside the simple baselines that it has to beat."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from commands.dataset import find_dataset
from commands.errors import CommandFailed
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import show_work
from commands.store import open_store
from feedback.datasets.layout import dataset_dir
from feedback.errors import AdapterOfOtherBase
from feedback.store.adapters import get_adapter
from feedback.store.engine import read
from feedback.store.runs import get_run
from feedback.store.tables import DEFAULT_DESK, Adapter, Run
from serving.base import compute_base_id, resolve_base
from trainer.recipes.recipe import load_recipe, recall_recipe

RULES = ("uniform", "slot", "length", "base", "adapter", "adapter_slot", "serving")


@click.command("evaluate")
@frame_options
@click.argument("adapter")
@click.option(
    "--choices",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="Choices to score (JSONL)  [default: the test split of the dataset it was trained on].",
)
@click.option("--dataset", default=None, help="Another dataset than the one it was trained on.")
@click.option("--replies", is_flag=True, help="Generate replies, too: replay set, fixed prompts and guards.")
@json_option
def command(
    frame: Frame, adapter: str, choices: Path | None, dataset: str | None, replies: bool, as_json: bool
) -> None:
    """Score ADAPTER: nats per choice and accuracy beside uniform, slot, length and base.

    \b
    rejoinder evaluate tuned-20260101-1
    rejoinder evaluate tuned-20260101-1 --replies
    rejoinder evaluate tuned-20260101-1 --choices held_out.jsonl --json
    """
    report = evaluate(frame, adapter, choices=choices, dataset=dataset, with_replies=replies, quiet=as_json)
    if as_json:
        print_json(report)
        return
    click.echo(f"{adapter}: {report['n']} choices of {report['total']}")
    click.echo(f"{'':<14}{'nats/choice':>12}{'accuracy':>10}   95 % interval of the log-loss")
    for rule in RULES:
        if (score := report.get(rule)) is not None:
            low, high = score["ci95"]
            click.echo(
                f"{rule:<14}{score['log_loss']:>12.4f}{score['accuracy']:>9.1%}    {low:.4f} to {high:.4f}"
            )
    for line in format_figures(report):
        click.echo(line)


def format_figures(report: Mapping[str, Any]) -> Iterator[str]:
    """Prints what was measured besides the choices, one line for each part."""
    for loss, curve in (report["curves"] or {}).items():
        if curve is not None:
            yield (
                f"{loss}: first {curve['first']:.4f}, best {curve['best']:.4f} at step {curve['best_step']}, "
                f"last {curve['last']:.4f} at {curve['last_step']}"
            )
    if (replay := report["replay"]) is not None:
        yield (
            f"replay ({replay['name']}, {replay['rows']} texts, {replay['tokens']} tokens, "
            f"{replay['sha256'][:12]}): KL {replay['kl']:.4f} nats per token, "
            f"perplexity {replay['perplexity']:.3f} (base {replay['perplexity_base']:.3f})"
        )
    if (found := report["replies"]) is not None:
        yield (
            f"greedy replies to {found['prompts']} prompts: length x{found['length_ratio']:.2f}, "
            f"edit distance {found['edit_distance']:.2f}, {found['same']:.0%} the same, "
            f"excess NLL {found['surprise']:.2f} nats per token"
        )
        for name in ("broken_greedy", "broken_sampled", "repeated", "copied", "wrong_language"):
            yield f"{name:<20}{found[name]:>7.1%}   base {found[f'{name}_base']:.1%}"
        for pair, count in found["wrong_languages"].items():
            yield f"  {pair:<18}{count:>7}"
    if (guards := report["guards"]) is not None:
        for kind, asked in guards["kinds"].items():
            worst = f"   {', '.join(asked['worst'])}" if asked["worst"] else ""
            yield f"guard {kind:<14}{asked['broken']:>7.1%}   base {asked['broken_base']:.1%}{worst}"


def evaluate(
    frame: Frame, name: str, *, choices: Path | None, dataset: str | None, with_replies: bool, quiet: bool
) -> dict[str, Any]:
    """The evaluation report as plain values. Torch is loaded only when this is called."""
    from trainer.evaluation.evaluate import evaluate_adapter

    with open_store(frame) as engine:
        row, run = find_adapter(engine, name)
        base = resolve_base(frame.serving().base_model)
        if row.base_id != (base_id := compute_base_id(base)):
            raise AdapterOfOtherBase(name, row.base_id, base_id)
        wanted = dataset or row.dataset_id
        if wanted is None:
            raise CommandFailed(f"{name} names no dataset: say which with --dataset.")
        dataset_id = find_dataset(engine, wanted).id
    recipe = recall_recipe(run.recipe, run.id) if run and run.recipe else load_recipe(frame.trainer().recipe)
    run_dir = frame.data_dir / "runs" / run.id if run is not None else None
    with show_work("evaluating", quiet=quiet) as work:
        report = evaluate_adapter(
            frame.data_dir / "adapters" / name / "weights",
            dataset_dir(frame.data_dir, dataset_id),
            base,
            recipe.measurement,
            choices=choices,
            template_kwargs=frame.settled().chat_template_kwargs,
            threads=recipe.threads,
            dtype=recipe.dtype,
            max_length=recipe.max_length,
            seed=recipe.seed,
            with_replies=with_replies,
            run_dir=run_dir if run_dir is not None and run_dir.is_dir() else None,
            leaves_texts=run is not None and run.dataset_id == dataset_id,
            on_progress=lambda share: work.report(share, step="evaluating"),
        )
    return report.model_dump(mode="json")


def find_adapter(engine: Any, name: str) -> tuple[Adapter, Run | None]:
    with read(engine) as session:
        row = get_adapter(session, desk_id=DEFAULT_DESK, name=name)
        return row, get_run(session, desk_id=DEFAULT_DESK, run_id=row.run_id) if row.run_id else None
