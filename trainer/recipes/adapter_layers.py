"""Which layers of a base a recipe's adapter changes, and whether the base can be trained at all.

Known from the facts about the base, so that a run that cannot succeed ends before it loads anything.
"""

from importlib.util import find_spec
from pathlib import Path

from serving.errors import BaseUnfit
from serving.facts.profile import BaseProfile, read_profile
from serving.facts.verdict import judge_base
from trainer.errors import RecipeRefused
from trainer.recipes.recipe import Recipe


def require_trained(base: Path, recipe: Recipe) -> None:
    """Raises BaseUnfit if what is known of a base says that no adapter can be trained for it, RecipeRefused
    if the recipe names layers that it lacks.
    """
    profile = read_profile(base)
    obstacles = [one for one in judge_base(profile, backend="cpu").obstacles if one.prevents != "serving"]
    if obstacles:
        raise BaseUnfit(base.name, "trained", obstacles)
    choose_layers(profile, recipe)
    require_libraries(recipe)


def require_libraries(recipe: Recipe) -> None:
    if recipe.method == "qlora" and find_spec("bitsandbytes") is None:
        told = "method: qlora needs bitsandbytes, which is not installed: pip install 'rejoinder[qlora]'"
        raise RecipeRefused(recipe.name, [told])


def choose_layers(profile: BaseProfile, recipe: Recipe) -> list[str] | str:
    """The layers that an adapter changes: what the facts about the base say, or those of them that the recipe
    names. A pattern of the recipe's own is taken as it is. Raises RecipeRefused.
    """
    named = recipe.target_modules
    if named == "all-linear":
        return list(profile.adapter_layers)
    if isinstance(named, str):
        return named
    unfit = [name for name in named if name.rsplit(".", 1)[-1] not in profile.adapter_layers]
    if unfit:
        taken = ", ".join(profile.adapter_layers)
        told = f"target_modules: {', '.join(unfit)} cannot be adapted in this base; it has {taken}"
        raise RecipeRefused(recipe.name, [told])
    return list(named)
