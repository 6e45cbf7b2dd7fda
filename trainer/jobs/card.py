"""The card that engine and trainer share: the engine leaves it before a run trains, where both do not fit,
and is back before the run publishes.

The run asks by a mark in the store (feedback/store/rests.py), `rejoinder up` heeds it. The child that trained
ends when its adapter is staged: what it holds of the card goes with it, and another child publishes.
"""

import logging
import time
from pathlib import Path

from feedback.store import rests, run_history, runs
from feedback.store.engine import read
from feedback.store.runs import RunToken
from serving.backend import resolve_backend
from serving.client.endpoint import read_endpoints
from serving.errors import EngineNotRunning, EngineResting, ServingError
from serving.processes.group import read_note
from trainer.context import NightContext
from trainer.errors import CardTaken
from trainer.recipes.recipe import Recipe

log = logging.getLogger(__name__)

POLL_S = 0.2


class CardLeft(Exception):
    """Ends a child whose run goes on in another one: the engine is to have the card back first."""


def make_room(ctx: NightContext, token: RunToken, recipe: Recipe, dataset: Path) -> None:
    """Returns when the run has room on the card. Raises CardTaken if the engine does not leave it in time."""
    if not has_card(ctx, token):
        if not must_rest(ctx, recipe, dataset):
            return
        ctx.write_run(rests.mark_rest, token, seconds=rests.UNKNOWN)
    await_room(ctx)


def keep_room(ctx: NightContext, token: RunToken) -> None:
    """Waits for the card again if it was this run's, whose child was killed. Raises CardTaken."""
    if has_card(ctx, token):
        await_room(ctx)


def has_card(ctx: NightContext, token: RunToken) -> bool:
    with read(ctx.store_engine) as session:
        return rests.is_resting(session, run_id=token.run_id)


def await_room(ctx: NightContext) -> None:
    ends = time.monotonic() + ctx.settings.engine_wait_s
    while holds_card(ctx):
        if time.monotonic() >= ends:
            raise CardTaken(ctx.settings.engine_wait_s)
        time.sleep(POLL_S)
    log.info("the engine has left the card to this run")


def must_rest(ctx: NightContext, recipe: Recipe, dataset: Path) -> bool:
    """Whether the engine has to leave its card to this run."""
    chosen = ctx.serving.during_training
    if ctx.serving.replicas or chosen == "stay":
        return False
    if chosen != "auto":
        return True
    if resolve_backend(ctx.serving) != "cuda":
        return False
    from trainer.estimate.card import fits_beside  # torch: only in the child, only when needed

    return not fits_beside(dataset, ctx.base, recipe)


def holds_card(ctx: NightContext) -> bool:
    """Whether an engine of this instance still has memory of the card."""
    try:
        read_endpoints(ctx.serving, ctx.data_dir)
    except EngineResting as rest:
        if rest.is_gone:
            return False
    except EngineNotRunning:
        pass  # it may be between two starts
    group = read_note(ctx.data_dir / "logs" / "engine.log")
    return group is not None and bool(group.list_members())


def tell_time(ctx: NightContext, token: RunToken, seconds: float) -> None:
    """Says how long a rest lasts, once the training is foreseen; what follows takes as long as last time."""
    if not has_card(ctx, token):
        return
    with read(ctx.store_engine) as session:
        last = runs.latest_run(session, desk_id=ctx.desk_id, state="done")
        began = dict(run_history.list_began(session, run_id=last.id)) if last is not None else {}
    if "evaluate" in began and "publish" in began:
        seconds += max(0.0, (began["publish"] - began["evaluate"]).total_seconds())
    ctx.write_run(rests.mark_rest, token, seconds=max(rests.UNKNOWN, seconds))


def leave_card(ctx: NightContext, token: RunToken) -> None:
    """Ends the rest if there is one, and raises CardLeft, so that this process ends, too."""
    if has_card(ctx, token):
        ctx.write_run(rests.mark_rest, token, seconds=rests.OVER)
        raise CardLeft


def await_return(ctx: NightContext, token: RunToken) -> None:
    """Waits for the engine that this run had rest, at most as long as it may take to start."""
    with read(ctx.store_engine) as session:
        if rests.find_last_mark(session, run_id=token.run_id) is None:
            return
    ends = time.monotonic() + ctx.serving.ready_timeout_s
    while time.monotonic() < ends:
        try:
            if ctx.fleet_factory().is_ready():
                return
        except EngineResting:
            pass
        except ServingError as none:  # nobody keeps one
            log.info("no engine comes back: %s", none)
            return
        time.sleep(POLL_S)
