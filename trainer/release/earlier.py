"""Which adapter a run by method `progressive` begins from: the one that the recipe names, else the one that
serves, else the newest that passed the gate. It is written into the run's recipe when the run begins, so that
a killed run goes on with the same one.
"""

from sqlmodel import Session

from feedback.store import adapters
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.tables import Adapter
from serving.adapters.staging import adapter_path
from serving.base import compute_base_id
from trainer.context import NightContext
from trainer.errors import RecipeRefused
from trainer.recipes.recipe import Recipe


def note_earlier(ctx: NightContext, recipe: Recipe) -> Recipe:
    """The recipe with its earlier adapter. Raises RecipeRefused if there is none of this base."""
    if recipe.method != "progressive":
        return recipe
    with read(ctx.store_engine) as session:
        fit = [row.name for row in list_mergeable(session, ctx)]
        state = serving_state(session, desk_id=ctx.desk_id)
    wanted = [recipe.earlier] if recipe.earlier else [state.live, state.canary, *fit]
    found = next((name for name in wanted if name in fit), None)
    if found is None:
        named = recipe.earlier or "null"
        there = f"there are {', '.join(fit)}" if fit else "there is none: train one with `method: lora` first"
        told = f"earlier = {named}: method progressive merges an adapter that passed the gate on this base; "
        raise RecipeRefused(recipe.name, [told + there])
    return recipe.model_copy(update={"earlier": found})


def list_mergeable(session: Session, ctx: NightContext) -> list[Adapter]:
    """The adapters of this base that passed the gate and were not taken out, newest first."""
    base_id = compute_base_id(ctx.base)
    return [
        row
        for row in adapters.select_adapters(session, desk_id=ctx.desk_id)
        if row.state in adapters.RESTORABLE
        and not row.is_checkpoint
        and row.base_id == base_id
        and adapters.find_erased_at(session, adapter=row) is None
        and adapter_path(ctx.data_dir, row.name).is_dir()
    ]
