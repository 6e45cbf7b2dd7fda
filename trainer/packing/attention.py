"""How a model of transformers attends over packed rows: by an attention function of our own, registered under
the name BLOCKS.

Each trunk attends over itself, each block of branches over itself and its stem of the trunk, nothing over
other trees; sliding windows are kept. The products are PyTorch's kernels.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from trainer.packing.rows import PackedRow, find_visible

BLOCKS = "rejoinder_blocks"


class Layout:
    """A packed row on its way through a model: makes each mask once, for all layers.

    `last`: index of the layer whose result is read at the row's sources alone, if there is one.
    """

    def __init__(self, row: PackedRow, *, last: int | None = None) -> None:
        self.row = row
        self._last = last
        self.cuts = [block.stop - block.start for block in row.blocks]
        self._masks: dict[tuple[int, int | None], Tensor] = {}

    def narrow(self, window: int | None) -> int | None:
        """None for a window that reaches over every branch of this row."""
        return window if window is not None and window < self.row.longest else None

    def find_asked(self, number: int, layer: int | None) -> Tensor | None:
        """Places in the block of that number whose result this layer needs; None: all, or nearly."""
        if self._last is None or layer != self._last:
            return None
        block = self.row.blocks[number]
        asked = torch.unique(self.row.sources)
        asked = asked[(asked >= block.start) & (asked < block.stop)] - block.start
        return asked if 2 * len(asked) < block.stop - block.start else None

    def find_mask(self, number: int, *, window: int | None, like: Tensor) -> Tensor:
        """0 or -inf for the block of that number over its stem and itself."""
        key = (number, window)
        if key not in self._masks:
            block = self.row.blocks[number]
            root = self.row.blocks[block.trunk].start
            own = slice(block.start, block.stop)
            seen = [
                find_visible(self.row, own, keys, window) for keys in (slice(root, root + block.stem), own)
            ]
            self._masks[key] = to_bias(torch.cat(seen, dim=1), like.dtype)
        return self._masks[key]


def to_bias(seen: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, -torch.inf)


def attend_blocks(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    layout: Layout,
    **_: Any,
) -> tuple[Tensor, None]:
    """transformers' attention function: query [1, H, T, D], key and value [1, G, T, D] -> [1, T, H, D]."""
    window = layout.narrow(sliding_window)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    key, value = _repeat(key, query.shape[1]), _repeat(value, query.shape[1])
    # One split per tensor: its way back is one cat, where slices would each add into a whole row of zeros.
    queries, keys, values = (torch.split(tensor, layout.cuts, dim=2) for tensor in (query, key, value))

    found = []
    for number, (block, q, k, v) in enumerate(zip(layout.row.blocks, queries, keys, values, strict=True)):
        is_trunk = block.trunk == number
        if not is_trunk:
            k, v = _join(keys[block.trunk], block.stem, k), _join(values[block.trunk], block.stem, v)
        asked = layout.find_asked(number, getattr(module, "layer_idx", None))
        if is_trunk and window is None and asked is None:
            part = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
        else:
            mask = layout.find_mask(number, window=window, like=query)
            if asked is not None:
                q, mask = q.index_select(2, asked), mask.index_select(0, asked)
            part = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
        if asked is not None:
            part = torch.zeros_like(queries[number]).index_copy(2, asked, part)
        found.append(part.transpose(1, 2))
    return torch.cat(found, dim=1), None


def _join(trunk: Tensor, stem: int, own: Tensor) -> Tensor:
    if stem < trunk.shape[2]:
        trunk = trunk[:, :, :stem]
    return torch.cat((trunk, own), dim=2)


def _repeat(tensor: Tensor, heads: int) -> Tensor:
    batch, groups, length, size = tensor.shape
    if groups == heads:
        return tensor
    return (
        tensor[:, :, None]
        .expand(batch, groups, heads // groups, length, size)
        .reshape(batch, heads, length, size)
    )


def register_attention() -> None:
    """Tells transformers the function; safe to call again."""
    function: Callable[..., tuple[Tensor, None]] = attend_blocks
    AttentionInterface.register(BLOCKS, function)
