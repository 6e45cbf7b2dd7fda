"""Starts a rebase: its row, and the run that trains on the new base, written together or not at all."""

from datetime import datetime

from sqlalchemy import Engine

from feedback.rebase.plan import BasePair, RebasePlan
from feedback.store import runs
from feedback.store.deployments import hold_desk
from feedback.store.engine import unit_of_work
from feedback.store.rebases import add_rebase
from feedback.store.tables import Rebase, new_id
from serving.facts.defaults import CHOSEN

# Of the engine's settings, those that a run is given with its base.
GIVEN = ("base_model", *CHOSEN)


def start_rebase(
    store_engine: Engine,
    plan: RebasePlan,
    pair: BasePair,
    *,
    recipe: str | None,
    actor: str,
    reason: str,
    desk_id: str,
    now: datetime,
) -> Rebase:
    """Asks for the run on the new base. Raises RebaseUnderWay."""
    serving = pair.new.model_dump(mode="json", include=set(GIVEN))
    request = {"serving": serving} | ({"recipe": recipe} if recipe is not None else {})
    with unit_of_work(store_engine) as session:
        hold_desk(session, desk_id=desk_id)
        row = Rebase(
            id=new_id(),
            desk_id=desk_id,
            base_model=plan.base_model,
            base_id=plan.base_id,
            serving=serving,
            old_base_model=plan.old_base_model,
            old_base_id=plan.old_base_id,
            old_adapter=plan.old_adapter,
            old_role=plan.old_role,
            actor=actor,
            reason=reason,
            created_at=now,
            changed_at=now,
        )
        rebase = add_rebase(session, rebase=row)
        run, _ = runs.file_run_request(
            session,
            desk_id=desk_id,
            kind=runs.REBASE,
            slot=rebase.id,
            request=request,
            requested_by=actor,
            now=now,
        )
        rebase.run_id = run.id
        session.add(rebase)
    return rebase
