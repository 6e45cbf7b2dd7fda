"""A stored source as a general set: what people wrote in its conversations, as a dataset of its own.

That dataset lies beside the run's own one, where erasure, withdrawal and lineage look. Its train split alone
is learnt, so that nothing is which the desk holds out.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.datasets.build import build_dataset, read_split
from feedback.datasets.errors import NothingSelected
from feedback.datasets.layout import TEXTS
from feedback.datasets.part import read_dataset_part
from feedback.datasets.selection import Selection
from feedback.sources.kinds import OWN_KIND
from feedback.store.engine import read
from feedback.store.sources import ACTIVE, list_sources
from feedback.store.tables import Source
from trainer.errors import RecipeRefused
from trainer.mix.general_set import GeneralLine, GeneralSet
from trainer.recipes.recipe import Recipe


def take_in_source(
    recipe: Recipe, store_engine: Engine, *, data_dir: Path, clock: Clock, desk_id: str
) -> Recipe:
    """The recipe with the dataset of the source that it mixes in; one that a run has noted stays. Raises
    RecipeRefused.
    """
    mix = recipe.mix
    if mix is None or mix.source is None or mix.sha256 is not None:
        return recipe
    with read(store_engine) as session:
        fault = find_source_fault(mix.source, list_sources(session, desk_id=desk_id))
    if fault is not None:
        raise RecipeRefused(recipe.name, [f"mix.source: {fault}"])
    where: dict[str, Any] = {"data_dir": data_dir, "clock": clock, "desk_id": desk_id}
    try:
        info = build_dataset(store_engine, selection=Selection(sources=(mix.source,)), **where)
        held, refusals = next(iter(read_split(info.path, TEXTS, "train")), None), info.refusals
    except NothingSelected as empty:
        held, refusals = None, empty.refusals
    if held is None:
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items())) or "nothing"
        raise RecipeRefused(
            recipe.name,
            [
                f"mix.source: the source {mix.source!r} has no reply to train on that a person wrote in an "
                f"imported conversation (left out: {counted})"
            ],
        )
    return recipe.model_copy(update={"mix": mix.model_copy(update={"sha256": info.id})})


def find_source_fault(name: str, sources: Collection[Source]) -> str | None:
    """Why nothing is mixed in of this source of a desk, with the values."""
    row = next((each for each in sources if each.name == name), None)
    if row is None:
        known = ", ".join(each.name for each in sources if each.kind != OWN_KIND)
        return f"{name!r} is no source of this desk; it has {known or 'none'}"
    if row.kind == OWN_KIND:
        return f"{name!r} is what people do here, from which a run learns as it is"
    if row.state != ACTIVE:
        return f"the source {name!r} is {row.state}; resume it, or name another one"
    return None


def read_source(name: str, dataset_id: str, beside: Path) -> GeneralSet:
    """The replies of the dataset of a source. `beside`: another dataset of the same place, or a part of one.
    Raises DatasetMissing.
    """
    part = read_dataset_part(beside)
    place = (part.dataset if part else beside).parent / dataset_id
    lines = (
        GeneralLine.model_validate({"messages": [*body["prompt"], *body["completion"]]})
        for body in read_split(place, TEXTS, "train")
    )
    return GeneralSet(name, dataset_id, tuple(lines))
