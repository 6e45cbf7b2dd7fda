"""Which options of a recipe an objective uses. One that it does not use must keep its default: a recipe that
says something which then does nothing is refused.

Limits, such as `max_pairs`, are no such options: a recipe may name them for several objectives.
"""

from collections.abc import Collection, Mapping
from typing import Any

USED_BY = {
    "reference": ("choice",),
    "habits": ("choice",),
    "beta": ("choice", "dpo", "kto"),
    "nll_weight": ("choice", "dpo"),
    "anchor_weight": ("choice",),
    "min_thumbs": ("choice", "kto"),
    "min_texts": ("sft",),
    "tag_weights": ("choice", "dpo"),
    "mix": ("choice", "sft"),
}


def list_unused(
    values: Mapping[str, Any], defaults: Mapping[str, Any], objectives: Collection[str]
) -> list[str]:
    """One sentence for each option that has a value of its own and that none of the objectives uses."""
    return [
        f"{name} = {values[name]}: objective {' and '.join(objectives)} does not use it; leave it at its "
        f"default, {defaults[name]}, or name an objective that does ({', '.join(users)})"
        for name, users in USED_BY.items()
        if not set(objectives) & set(users) and values.get(name, defaults[name]) != defaults[name]
    ]


def change_objective(values: Mapping[str, Any], objective: str) -> dict[str, Any]:
    """The values under another objective than the file has, without what that one does not use."""
    kept = {name: value for name, value in values.items() if objective in USED_BY.get(name, (objective,))}
    return kept | {"objective": objective}
