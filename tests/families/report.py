"""`make families`: tries every family of tests/families with the real engine and writes docs/models.md.

What vLLM serves with adapters on this machine turns one whole night; of the rest the trainer's side is tried,
and the page says why an engine was not. What was found stands in tried.json, one entry a family, so that a
run of some families leaves the others as they were, each with its own date.

    python -m tests.families.report [FAMILY ...]
"""

import json
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from serving.adapters.check import check_adapter
from serving.backend import resolve_backend
from serving.errors import ServingError
from serving.facts.profile import BaseProfile, read_profile
from serving.facts.verdict import judge_base
from serving.settings import ServingSettings
from tests.families.models import build_family
from tests.families.night import turn_night
from tests.families.table import FAMILIES
from tests.families.taught import build_taught
from tests.trainer.tiny import make_dataset
from trainer.errors import TrainerError
from trainer.recipes.recipe import Recipe

FOUND = Path(__file__).parent / "tried.json"
PAGE = Path(__file__).parents[2] / "docs" / "models.md"
FEW = Recipe(name="family", batch_size=3, rank=4, alpha=8, max_length=200, checkpoint_steps=5, threads=1)
HEAD = """# Base models that were tried

Written by `make families` (tests/families/report.py). Each family is a tiny random model of two layers that
is built like the family's own, with its template and its control tokens. A row says that layers, template,
ends of a turn, log-probabilities and adapters of the family work through the whole circle; it says nothing
of quality, and nothing of other engine versions. What is known of a base before anything is loaded, and
what is refused when, stands in [bases.md](bases.md).

* **serves**: "yes" is `rejoinder up` on the real engine, four replies, a night of 60 choices from import to
  publishing, the adapter's probe, a set of two replies of each arm, and greedy replies of base that are the
  same before and after. "not tried" means that no engine has loaded the family so far; the note says where
  the engine of that machine cannot. "no" means that this version of the engine takes no adapter for it, as
  its source says.
* **trains**: "yes" is that night. Where no engine serves, it is two steps on six choices and the adapter
  check.
* **rows**: "packed" where the first check of the run passed, else one reply a row, as right and slower.

"""


@dataclass(frozen=True)
class Tried:
    """What became of one family. `passed`: whether all came that the facts about the base promise."""

    family: str
    trains: str
    serves: str
    adapted: str
    rows: str
    note: str
    engine: str
    date: str
    passed: bool


def try_family(name: str, folder: Path) -> Tried:
    """One row of the page; a family that fails has a row that says so."""
    found = Tried(name, "", "", "", "", "", "", f"{datetime.now(UTC):%Y-%m-%d}", passed=False)
    stage = ["build"]
    try:
        base = build_family(folder / "facts", FAMILIES[name])
        profile = read_profile(base)
        here = resolve_backend(ServingSettings())
        verdict = judge_base(profile, backend=here)
        found = replace(
            found,
            adapted=", ".join(profile.adapter_layers),
            engine=f"vLLM {profile.engine.version}, {here}",
            serves=say_serving(profile),
            note=" ".join(f"{one}." for one in verdict.obstacles),
        )
        if verdict.trains and verdict.serves:
            base = build_taught(folder / "base", FAMILIES[name])
            unpacked = turn_night(base, folder, stage.append)
            return say_rows(replace(found, trains="yes", serves="yes", passed=True), unpacked)
        stage.append("training")
        return try_training(found, base, folder, refused=not verdict.trains)
    except Exception as error:  # the other families go on
        (folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        last = (str(error).strip() or type(error).__name__).splitlines()[-1]
        return replace(found, serves=f"**failed** at: {stage[-1]}", note=last)


def say_serving(profile: BaseProfile) -> str:
    """What can be said before anything is tried."""
    elsewhere = judge_base(profile, backend="cuda").serves or profile.engine.needs
    return "not tried" if elsewhere else "no"


def try_training(found: Tried, base: Path, folder: Path, *, refused: bool) -> Tried:
    """The trainer's side of a family that no engine serves here: two steps, or the refusal at once."""
    from trainer.training.train import train

    choices = make_dataset(folder / "choices", train=6, validation=2, test=0)
    try:
        trained = train(choices, base, FEW, folder / "run", lambda report: None)
        check_adapter(trained.adapter_dir, base=base, max_rank=16)
    except (ServingError, TrainerError) as error:
        if not refused:
            found = replace(found, note=f"{str(error).splitlines()[0]} {found.note}")
        return replace(found, trains="no" if refused else "**failed**", passed=refused)
    return say_rows(replace(found, trains="yes", passed=not refused), trained.metrics["unpacked"])


def say_rows(found: Tried, unpacked: str | None) -> Tried:
    if unpacked is None:
        return replace(found, rows="packed")
    return replace(found, rows="separate", note=f"One reply a row: {unpacked}. {found.note}".strip())


def read_found() -> dict[str, Tried]:
    entries = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else []
    return {entry["family"]: Tried(**entry) for entry in entries}


def write_found(found: dict[str, Tried]) -> None:
    """Writes entries and page, in the order of the table."""
    ordered = [found[name] for name in FAMILIES if name in found]
    FOUND.write_text(json.dumps([asdict(one) for one in ordered], indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(render_page(found), encoding="utf-8")


def render_page(found: dict[str, Tried]) -> str:
    """The page; a family that was never tried has a row that says so."""
    lines = [
        "| family | trains | serves | what an adapter changes | rows | note and remedy | tried on | engine |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in FAMILIES:
        one = found.get(name, Tried(name, "not tried", "not tried", "", "", "", "", "", passed=False))
        cells = (one.family, one.trains, one.serves, one.adapted, one.rows, one.note, one.date, one.engine)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") or "-" for cell in cells) + " |")
    return HEAD + "\n".join(lines) + "\n"


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(FAMILIES)))
def main(names: tuple[str, ...]) -> None:
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # a line a family is enough
    found = read_found()
    failed = []
    for name in names or FAMILIES:
        folder, began = Path(tempfile.mkdtemp(prefix=f"rejoinder-{name}-")), time.monotonic()
        found[name] = try_family(name, folder)
        write_found(found)
        one = found[name]
        click.echo(
            f"{name:14} trains: {one.trains}, serves: {one.serves} ({time.monotonic() - began:.0f} s)"
            + ("" if one.passed else f": {one.note}; see {folder}")
        )
        if one.passed:
            shutil.rmtree(folder)
        else:
            failed.append(name)
    if failed:
        click.echo(f"failed: {', '.join(failed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
