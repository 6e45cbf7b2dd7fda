"""Computes with a model in float32 whose weights are bfloat16, one layer at a time.

What two readings of a reply differ by in bfloat16 is mostly rounding, which hides a wrong mask. So they are
compared in float32. A base that fits in memory in bfloat16 alone is never cast whole.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def computing_exactly(model: nn.Module) -> Iterator[None]:
    """Inside the block each layer of the model has float32 weights while it computes, and its own ones again
    after it. Autocast is off.
    """
    with ExitStack() as stack:
        for unit in find_units(model):
            swapped: list[tuple[Tensor, Tensor]] = []
            stack.callback(_restore, swapped)  # also if the layer fails
            stack.callback(unit.register_forward_pre_hook(_make_widening(swapped)).remove)
            stack.callback(unit.register_forward_hook(_make_restoring(swapped)).remove)
        stack.enter_context(torch.autocast(_find_device(model), enabled=False))
        yield


def find_units(module: nn.Module) -> Iterator[nn.Module]:
    """The layers of a model, and what lies outside of them: embeddings, norms, the head."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        elif any(isinstance(inner, nn.ModuleList) for inner in child.modules()):
            yield from find_units(child)
        else:
            yield child


def _make_widening(swapped: list[tuple[Tensor, Tensor]]) -> Any:
    def widen(unit: nn.Module, _given: Any) -> None:
        for tensor in (*unit.parameters(), *unit.buffers()):
            if tensor.dtype in (torch.bfloat16, torch.float16):
                swapped.append((tensor, tensor.data))
                tensor.data = tensor.data.float()

    return widen


def _make_restoring(swapped: list[tuple[Tensor, Tensor]]) -> Any:
    def restore(_unit: nn.Module, _given: Any, _made: Any) -> None:
        _restore(swapped)

    return restore


def _restore(swapped: list[tuple[Tensor, Tensor]]) -> None:
    while swapped:
        tensor, own = swapped.pop()
        tensor.data = own


def _find_device(model: nn.Module) -> str:
    return next(model.parameters()).device.type
