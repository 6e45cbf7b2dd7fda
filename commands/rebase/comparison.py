"""`rejoinder rebase compare`: generates the blind comparison of the new base with what serves."""

import time

import click
from sqlalchemy import Engine

from commands.errors import CommandFailed
from commands.frame import Frame, frame_options, json_option, print_json
from commands.progress import LongWork, show_work
from commands.rebase.engines import FindFleet, comparing_engines
from commands.store import open_store
from feedback.clock import SystemClock
from feedback.rebase.compare import start_comparison
from feedback.rebase.drawing import RebaseDrawer
from feedback.store import duel_rounds, duels
from feedback.store.engine import read
from feedback.store.rebases import NEW_TUNED, OPEN, get_latest_rebase
from feedback.store.tables import DEFAULT_DESK, Duel, Rebase
from feedback.suggestions.plan import describe_base_model
from serving.adapters.probe import TOLERANCE
from serving.adapters.publish import bring_up
from serving.adapters.staging import adapter_path
from serving.base import compute_base_id
from serving.settings import ServingSettings

ACTOR = "command line"
POLL_EVERY_S = 0.5
MOST = 500


@click.command("compare")
@click.option(
    "--prompts",
    "wanted",
    type=click.IntRange(1, MOST),
    default=None,
    help="Unseen prompts for each comparison  [default: half as many again as the policy's min_picks].",
)
@click.option("--more", is_flag=True, help="Draw another comparison where one is closed; all count together.")
@frame_options
@json_option
def compare_command(frame: Frame, wanted: int | None, more: bool, as_json: bool) -> None:
    """Draw the blind comparison: the new base, alone and with its adapter, each against what serves.

    The service goes on meanwhile, and answers for the old side; the new base gets an engine of its own until
    all is there. Killed or stopped, it goes on where it was when called again. Judge in the console.

    \b
    rejoinder rebase compare
    rejoinder rebase compare --prompts 60 --more
    """
    limit = frame.policy().exposure.min_picks
    with open_store(frame) as engine:
        found = start_comparison(
            engine,
            data_dir=frame.data_dir,
            wanted=wanted or max(1, min(MOST, limit * 3 // 2)),
            more=more,
            actor=ACTOR,
            desk_id=DEFAULT_DESK,
            now=SystemClock().now(),
        )
        waiting = [duel for duel in found if duel.state == duels.DRAWING]
        if waiting:
            with read(engine) as session:
                rebase = get_latest_rebase(session, desk_id=DEFAULT_DESK, state=OPEN)
            draw_comparison(frame, engine, rebase, waiting, quiet=as_json)
        with read(engine) as session:
            compared = [duels.get_duel(session, desk_id=DEFAULT_DESK, duel_id=duel.id) for duel in found]
    if as_json:
        told = {"id", "name", "state", "error", "arm"}
        print_json({"duels": [duel.model_dump(include=told) for duel in compared]})
    else:
        for duel in compared:
            click.echo(f"{duel.name}: {duel.state}{f' ({duel.error})' if duel.error else ''}, judge it at")
            click.echo(f"/console/duels/{duel.id}")
    asked = {duel.id for duel in waiting}
    lost = [duel.name for duel in compared if duel.id in asked and duel.state == duels.FAILED]
    if lost:
        raise CommandFailed(f"Not generated: {', '.join(lost)}. Call it again for another try.")


def draw_comparison(
    frame: Frame, engine: Engine, rebase: Rebase, waiting: list[Duel], *, quiet: bool
) -> None:
    old, new = find_settings(frame, rebase)

    def say(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    with comparing_engines(frame, frame.data_dir / "rebases" / rebase.id, old, new, say) as (of_old, of_new):
        for name in {duel.adapter for duel in waiting if duel.arm == NEW_TUNED}:
            path = adapter_path(frame.data_dir, name)
            report = bring_up(
                of_new(),
                name,
                path,
                probe_path=path.parent / "probe.json",
                tolerance=TOLERANCE[new.dtype],
            )
            say(f"{name} computes what its trainer did, to {report.largest_difference:.2g} nat")
        with show_work("drawing", "rounds", quiet=quiet) as work:
            follow_drawing(engine, make_drawer(engine, rebase, old, new, of_old, of_new), waiting, work)


def find_settings(frame: Frame, rebase: Rebase) -> tuple[ServingSettings, ServingSettings]:
    """The engine's settings of both sides. Raises CommandFailed if another base serves by now."""
    old = frame.settled()
    if compute_base_id(old.base_model) != rebase.old_base_id:
        raise CommandFailed(
            f"The rebase started from {rebase.old_base_model}, and the base here is {old.base_model} now: "
            "serve the former again, or `rejoinder rebase cancel` and start it from the present one."
        )
    new = frame.serving(base_model=rebase.base_model).model_copy(update=rebase.serving)
    if compute_base_id(new.base_model) != rebase.base_id:
        raise CommandFailed(
            f"The files of {rebase.base_model} have changed since the rebase was started: restore them, or "
            "`rejoinder rebase cancel` and start it again."
        )
    return old, new


def make_drawer(
    engine: Engine,
    rebase: Rebase,
    old: ServingSettings,
    new: ServingSettings,
    of_old: FindFleet,
    of_new: FindFleet,
) -> RebaseDrawer:
    return RebaseDrawer(
        rebase=rebase,
        new_fleet=of_new,
        new_serving=new,
        store_engine=engine,
        fleet_factory=of_old,
        serving=old,
        clock=SystemClock(),
        describe_base=lambda: describe_base_model(new),
    )


def follow_drawing(engine: Engine, drawer: RebaseDrawer, waiting: list[Duel], work: LongWork) -> None:
    """Generates the replies of the duels and shows how far they are, until none is left."""
    ids = [duel.id for duel in waiting]
    try:
        while True:
            drawer.sweep()  # whose drawer died is taken up once its lease is over
            with read(engine) as session:
                states = {duels.get_duel(session, desk_id=DEFAULT_DESK, duel_id=id).state for id in ids}
                counts = duel_rounds.count_rounds(session, duel_ids=ids).values()
            total = sum(sum(each.values()) for each in counts)
            done = total - sum(each[duel_rounds.WAITING] for each in counts)
            work.report(done, total, step="drawing both sides")
            if duels.DRAWING not in states:
                return
            time.sleep(POLL_EVERY_S)
    finally:
        drawer.close()
