"""Where a rebase stands, what comes next, and giving it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.rebase.evidence import Limits, NotProven, choose_arm, read_limits, show_limits
from feedback.rebase.plan import find_old_adapter
from feedback.store import duels, runs
from feedback.store.deployments import hold_desk, serving_state
from feedback.store.engine import unit_of_work
from feedback.store.rebases import (
    CANCELLED,
    OPEN,
    RETURNED,
    RETURNING,
    SWITCHED,
    SWITCHING,
    NoRebase,
    find_rebase_under_way,
    list_rebases,
    move_rebase,
)
from feedback.store.tables import Duel, Rebase, Run

AGAIN = "rejoinder rebase cancel, then start it again: computed references are found"
SAID = {
    SWITCHING: "start `rejoinder up` again, on the new base",
    SWITCHED: "nothing; `rejoinder rebase back` returns to the old base",
    RETURNING: "start `rejoinder up` again, on the old base",
    RETURNED: "nothing: it is over",
    CANCELLED: "nothing: it is over",
}


@dataclass(frozen=True)
class RebaseStanding:
    """The latest rebase with its run and duels. `limits` are those of its closed duels; open ones tell
    nothing, so that nobody closes them because they look good. `next` says what to do.
    """

    rebase: Rebase
    run: Run
    duels: Sequence[Duel]
    limits: Limits
    serves: str | None  # the adapter that most conversations see now
    next: str

    @property
    def serves_new(self) -> bool:
        return self.rebase.state in (SWITCHED, RETURNING)

    def to_json(self) -> dict[str, Any]:
        run = {"id", "state", "step", "progress", "adapter", "decision", "dataset_id", "error"}
        duel = {"id", "name", "state", "arm", "error"}
        return {
            **self.rebase.model_dump(mode="json", exclude={"desk_id", "serving"}),
            "serves_new": self.serves_new,
            "serves": self.serves,
            "run": self.run.model_dump(mode="json", include=run),
            "duels": [one.model_dump(mode="json", include=duel) for one in self.duels],
            "limits": show_limits(self.limits),
            "next": self.next,
        }


def read_standing(session: Session, policy: RolloutPolicy, *, desk_id: str) -> RebaseStanding | None:
    """The latest rebase; None where there has been none."""
    rebase = next(iter(list_rebases(session, desk_id=desk_id, limit=1)), None)
    if rebase is None or rebase.run_id is None:
        return None
    run = runs.get_run(session, desk_id=desk_id, run_id=rebase.run_id)
    held = duels.list_rebase_duels(session, rebase_id=rebase.id)
    serves_now, _ = find_old_adapter(serving_state(session, desk_id=desk_id))
    old = serves_now if rebase.state == OPEN else rebase.old_adapter
    limits = read_limits(session, rebase, policy, old=old)
    return RebaseStanding(rebase, run, held, limits, serves_now, say_next(rebase, run, held, limits))


def say_next(rebase: Rebase, run: Run, held: Sequence[Duel], limits: Limits) -> str:
    if rebase.state in SAID:
        return SAID[rebase.state]
    if run.state == "queued":
        return "the worker takes its run up (`rejoinder up` keeps one)"
    if run.state == "running":
        return "wait for its run"
    if run.state != "done":
        return f"its run is {run.state}: {AGAIN}"
    states = {duel.state for duel in held}
    if not held or duels.DRAWING in states or states == {duels.FAILED}:
        return "rejoinder rebase compare"
    if duels.OPEN in states:
        return "judge the open duels in the console, then close them"
    try:
        arm = choose_arm(limits)
    except NotProven:
        return "not proven: rejoinder rebase compare --more, or rejoinder rebase cancel"
    return f"proven for {arm}: rejoinder rebase switch"


def cancel_rebase(store_engine: Engine, *, actor: str, reason: str, desk_id: str, now: datetime) -> Rebase:
    """Gives up the rebase that is under way, with its run and duels. Verdicts that were given stay, as of any
    closed duel. Raises NoRebase and IllegalRebaseState.
    """
    with unit_of_work(store_engine) as session:
        hold_desk(session, desk_id=desk_id)
        found = find_rebase_under_way(session, desk_id=desk_id)
        if found is None:
            raise NoRebase(OPEN)
        rebase = move_rebase(session, rebase=found, to_state=CANCELLED, actor=actor, reason=reason, now=now)
        if rebase.run_id is not None:
            run = runs.get_run(session, desk_id=desk_id, run_id=rebase.run_id)
            if run.state not in runs.FINISHED:
                runs.end_cancelled_run(session, desk_id=desk_id, run_id=run.id, now=now)
        for duel in duels.list_rebase_duels(session, rebase_id=rebase.id):
            if duel.state in (duels.DRAWING, duels.OPEN):
                duels.close_duel(session, desk_id=desk_id, duel_id=duel.id, actor=actor, now=now)
    return rebase
