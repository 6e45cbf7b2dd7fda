"""The methods of a recipe: what of a base is trained, and what can be served of it.

`lora` and `qlora` end in a LoRA adapter, which the engine takes. `full`, `freeze` and `progressive` end in a
checkpoint, a whole model, which a second engine serves. `prompt`, `p_tuning` and `prefix` end in virtual
tokens: an engine with them would give no token ids of what a reply saw, and every set stores those.
"""

from typing import Any, Literal

Method = Literal["lora", "qlora", "full", "freeze", "progressive", "prompt", "p_tuning", "prefix"]
WHOLE = ("full", "freeze", "progressive")
VIRTUAL = ("prompt", "p_tuning", "prefix")
NEVER_SERVED = (
    "it is trained, evaluated and reported, and never staged: the engine cannot tell the ids of virtual "
    "tokens, and every set stores ids; `method: lora` or `qlora` can be served"
)


def list_method_faults(recipe: Any) -> list[str]:
    """One sentence for each value that the recipe's method cannot work with."""
    faults = [
        f"{key} = {getattr(recipe, key)}: method {recipe.method} has none; leave it at {default}"
        for key, default in list_foreign(recipe)
        if getattr(recipe, key) != default
    ]
    if recipe.method in WHOLE:
        faults += list_whole_faults(recipe)
    if recipe.method in VIRTUAL:
        faults += list_virtual_faults(recipe)
    return faults


def list_foreign(recipe: Any) -> list[tuple[str, Any]]:
    """The keys that belong to other methods, with their defaults."""
    owners = {"virtual_tokens": VIRTUAL, "frozen_layers": ("freeze",), "earlier": ("progressive",)}
    fields = type(recipe).model_fields
    return [(key, fields[key].default) for key, methods in owners.items() if recipe.method not in methods]


def list_whole_faults(recipe: Any) -> list[str]:
    """What a checkpoint's method cannot work with. The plain base is its reference and is gone once the first
    step has changed it, so only stored references will do.
    """
    method, faults = recipe.method, []
    if recipe.stages:
        faults.append(f"stages: method {method} trains in one go; set `method: lora` or leave them out")
    if recipe.objective not in ("choice", "sft"):
        faults.append(
            f"objective = {recipe.objective}: method {method} learns by `objective: choice` or `sft`; this "
            "one would need the base a second time beside it"
        )
    if recipe.reference != "stored":
        faults.append(
            f"reference = {recipe.reference}: method {method} changes what it would read; set it to stored"
        )
    if recipe.dtype != "float32" or recipe.bf16:
        faults.append(
            f"dtype = {recipe.dtype}, bf16 = {str(recipe.bf16).lower()}: bfloat16 rounds the small steps of "
            f"method {method} away; set `dtype: float32` and `bf16: false`"
        )
    return faults


def list_virtual_faults(recipe: Any) -> list[str]:
    method, faults = recipe.method, []
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
