"""Starts the blind comparisons of a rebase: the new base, alone and with its adapter, against what serves.

The duels are those of docs/duels.md; `drawing.py` generates the replies, since the sides need two engines.
"""

import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.duels.start import SEED_LIMIT, Wish, start_duel
from feedback.errors import Conflict
from feedback.rebase.plan import find_old_adapter
from feedback.store import duels, runs
from feedback.store.adapters import get_adapter
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.rebases import NEW_BASE, NEW_TUNED, OPEN, get_latest_rebase
from feedback.store.tables import Duel, Rebase, Run


class NotTrained(Conflict):
    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(
            "rebase_not_trained",
            f"Its run {run_id} is {state}: there is no adapter on the new base to compare yet.",
            "Wait until the run is done, or give the rebase up and start it again.",
        )


def start_comparison(
    store_engine: Engine,
    *,
    data_dir: Path,
    wanted: int,
    more: bool,
    actor: str,
    desk_id: str,
    now: datetime,
) -> list[Duel]:
    """Starts what is missing, and returns all duels of the open rebase. With `more`, arms whose duels are
    over get another one. Raises NoRebase, NotTrained and TooFewPrompts.
    """
    with read(store_engine) as session:
        rebase = get_latest_rebase(session, desk_id=desk_id, state=OPEN)
        run = find_trained_run(session, rebase)
        arms = list_arms(session, rebase, run)
        old, _ = find_old_adapter(serving_state(session, desk_id=desk_id))
        found = list(duels.list_rebase_duels(session, rebase_id=rebase.id))
    for arm in arms:
        own = [duel for duel in found if duel.arm == arm]
        under_way = any(duel.state in (duels.DRAWING, duels.OPEN) for duel in own)
        has_closed = any(duel.state == duels.CLOSED and duel.rival == old for duel in own)
        if under_way or (has_closed and not more):
            continue
        # The event's number makes a repeated call after a crash find the duel that it wrote.
        wish = Wish(
            f"rebase:{rebase.id}:{arm}:{len(own)}",
            str(run.adapter),
            old,
            wanted,
            name_duel(rebase, arm, run, old),
            rebase_id=rebase.id,
            arm=arm,
        )
        seed = secrets.randbelow(SEED_LIMIT)
        found.append(
            start_duel(
                store_engine, wish, data_dir=data_dir, desk_id=desk_id, actor=actor, seed=seed, now=now
            )
        )
    return found


def find_trained_run(session: Session, rebase: Rebase) -> Run:
    run = runs.get_run(session, desk_id=rebase.desk_id, run_id=str(rebase.run_id))
    if run.state != "done" or run.adapter is None:
        raise NotTrained(run.id, run.state)
    return run


def list_arms(session: Session, rebase: Rebase, run: Run) -> tuple[str, ...]:
    """The arms that are compared: an adapter that the gate refused can never serve, so nobody judges it."""
    adapter = get_adapter(session, desk_id=rebase.desk_id, name=str(run.adapter))
    return (NEW_BASE,) if adapter.state == "refused" else (NEW_TUNED, NEW_BASE)


def name_duel(rebase: Rebase, arm: str, run: Run, old: str | None) -> str:
    """The names of both sides, without a word of any language: it is kept."""
    base = Path(rebase.base_model).name
    new = f"{base} + {run.adapter}" if arm == NEW_TUNED else base
    return f"{new} / {old or Path(rebase.old_base_model).name}"
