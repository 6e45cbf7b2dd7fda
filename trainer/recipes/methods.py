"""The methods of a recipe: what of a base is trained, and what can be served of it.

`lora` and `qlora` end in a LoRA adapter, which the engine takes. `prompt`, `p_tuning` and `prefix` end in
virtual tokens: an engine with them would give no token ids of what a reply saw, and every set stores those.
"""

from typing import Any, Literal

Method = Literal["lora", "qlora", "prompt", "p_tuning", "prefix"]
VIRTUAL = ("prompt", "p_tuning", "prefix")
NEVER_SERVED = (
    "it is trained, evaluated and reported, and never staged: the engine cannot tell the ids of virtual "
    "tokens, and every set stores ids; `method: lora` or `qlora` can be served"
)


def list_method_faults(recipe: Any) -> list[str]:
    """One sentence for each value that the recipe's method cannot work with."""
    method = recipe.method
    if method not in VIRTUAL:
        default = type(recipe).model_fields["virtual_tokens"].default
        told = f"virtual_tokens = {recipe.virtual_tokens}: method {method} has none; leave it at {default}"
        return [told] if recipe.virtual_tokens != default else []
    faults = []
    if recipe.stages:
        faults.append(
            f"stages: method {method} begins from no earlier stage; set `method: lora` or leave them out"
        )
    if recipe.objective != "choice":
        faults.append(f"objective = {recipe.objective}: method {method} learns by `objective: choice` alone")
    if recipe.patience:
        faults.append(
            f"patience = {recipe.patience}: method {method} goes back to no earlier check; set `patience: 0`"
        )
    if method == "prefix" and recipe.gradient_checkpointing:
        faults.append("gradient_checkpointing = true: method prefix computes without; set it to false")
    return faults
