"""Tags with weights in a recipe: how much an example counts that has one of them, or one below it.

What a tag takes in is written into the recipe when a run begins, by the tree of the desk as it is then: a run
that goes on after a kill, or is repeated, weighs the same although somebody has changed the tree since.
"""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

from feedback.tags.tree import TagTree
from trainer.errors import RecipeRefused

MOST_WEIGHT = 10.0  # one example among ten others is heard already; more would be that example alone


class TagWeight(BaseModel):
    """The weight of a tag, in a recipe a number. `strings` mean the tag or one below it; without them it is
    the string that names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(gt=0, le=MOST_WEIGHT)
    strings: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def read_number(cls, value: object) -> object:
        return {"weight": value} if isinstance(value, int | float) else value


TagWeights = Mapping[str, TagWeight]


def take_in(weights: TagWeights, tree: TagTree, recipe: str) -> dict[str, TagWeight]:
    """The weights with the strings that each tag takes in. Raises RecipeRefused if two names mean one tag."""
    found: dict[str, TagWeight] = {}
    named: dict[tuple[str, ...], str] = {}
    for name, one in weights.items():
        strings = tuple(sorted(tree.expand([name])))
        if (other := named.setdefault(strings, name)) != name:
            raise RecipeRefused(recipe, [f"tag_weights: {other!r} and {name!r} mean one tag; leave one out"])
        found[name] = one.model_copy(update={"strings": strings})
    return found


def has_tag(name: str, weight: TagWeight, tags: Iterable[str]) -> bool:
    return not set(weight.strings or (name,)).isdisjoint(tags)


def weigh_tags(weights: TagWeights, tags: Iterable[str]) -> float:
    """The weight of an example with these tags; 1 if the recipe names none of them.

    Of tags that lie one below another, the lowest holds: it is said of fewer. Of several tags of an example,
    the largest holds: a product would let three tags decide a run.
    """
    found = []
    for tag in tags:
        above = [one for name, one in weights.items() if has_tag(name, one, (tag,))]
        if above:
            found.append(min(above, key=lambda one: len(one.strings)).weight)
    return max(found, default=1.0)
