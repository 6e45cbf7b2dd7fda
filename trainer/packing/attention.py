"""How a model of transformers attends over packed rows: with our own attention function, registered as
BLOCKS.

The longest prompt of a tree attends to itself. A block of branches (replies) attends to itself and to the
first `prefix_length` tokens of that prompt. No token attends to another tree. Sliding windows are kept.
PyTorch's kernels compute the products.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AttentionInterface

from trainer.packing.rows import PackedRow, find_visible

BLOCKS = "rejoinder_blocks"


# Positions are in the row's layout, and queries and keys have been turned by them; causal it is anyway.
WITHOUT_EFFECT = ("position_ids", "position_embeddings", "cache_position", "is_causal")


class AttentionUnknown(Exception):
    """A model's attention takes something into account that packed rows would leave out."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"its attention uses {', '.join(names)}, which packed rows do not know")


class Layout:
    """A packed row that a model is reading. Makes each attention mask once, for all layers.

    `last`: index of the layer whose result is read only at the row's sources, or None if there is no such
    layer.
    """

    def __init__(self, row: PackedRow, *, last: int | None = None) -> None:
        self.row = row
        self._last = last
        self.cuts = [block.stop - block.start for block in row.blocks]
        self._masks: dict[tuple[int, int | None], Tensor] = {}

    def narrow(self, window: int | None) -> int | None:
        """The sliding window in tokens, or None if no branch of this row is longer than the window."""
        return window if window is not None and window < self.row.longest else None

    def find_asked(self, number: int, layer: int | None) -> Tensor | None:
        """Places in a block that this layer must compute; None: all, since half or more are needed."""
        if self._last is None or layer != self._last:
            return None
        block = self.row.blocks[number]
        asked = torch.unique(self.row.sources)
        asked = asked[(asked >= block.start) & (asked < block.stop)] - block.start
        return asked if 2 * len(asked) < block.stop - block.start else None

    def find_mask(self, number: int, *, window: int | None, like: Tensor) -> Tensor:
        """The additive mask, 0 or -inf, of block `number`; (tokens, prefix_length + tokens)."""
        key = (number, window)
        if key not in self._masks:
            block = self.row.blocks[number]
            root = self.row.blocks[block.prefix_block].start
            own = slice(block.start, block.stop)
            seen = [
                find_visible(self.row, own, keys, window)
                for keys in (slice(root, root + block.prefix_length), own)
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
    **others: Any,
) -> tuple[Tensor, None]:
    """The attention function that transformers calls; returns (1, tokens, heads, head size) and no weights.

    `query`: (1, heads, tokens, head size). `key`: (1, key-value heads, tokens, head size); `value` may have
    heads of another size. Raises AttentionUnknown if the model asks for anything else (a soft cap, sinks).
    """
    refuse_unknown(others)
    window = layout.narrow(sliding_window)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    key, value = _repeat(key, query.shape[1]), _repeat(value, query.shape[1])
    # One split per tensor: its backward pass is one concatenation; slices would each fill a row with zeros.
    queries, keys, values = (torch.split(tensor, layout.cuts, dim=2) for tensor in (query, key, value))

    found = []
    for number, (block, q, k, v) in enumerate(zip(layout.row.blocks, queries, keys, values, strict=True)):
        is_prefix = block.prefix_block == number
        if not is_prefix:
            k = _join(keys[block.prefix_block], block.prefix_length, k)
            v = _join(values[block.prefix_block], block.prefix_length, v)
        asked = layout.find_asked(number, getattr(module, "layer_idx", None))
        if asked is not None and not len(asked):  # replies of one token: kernels take no empty queries
            part = q.new_zeros(*q.shape[:3], v.shape[3])
        elif is_prefix and window is None and asked is None:
            part = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
        else:
            mask = layout.find_mask(number, window=window, like=query)
            if asked is not None:
                q, mask = q.index_select(2, asked), mask.index_select(0, asked)
            part = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
            if asked is not None:
                part = part.new_zeros(*queries[number].shape[:3], v.shape[3]).index_copy(2, asked, part)
        found.append(part.transpose(1, 2))
    return torch.cat(found, dim=1), None


def refuse_unknown(others: Mapping[str, Any]) -> None:
    """Raises AttentionUnknown unless the other arguments of an attention function change nothing here."""
    names = [name for name, value in others.items() if name not in WITHOUT_EFFECT and value is not None]
    names = [name for name in names if not (isinstance(others[name], int | float) and others[name] == 0)]
    if names:
        raise AttentionUnknown(names)


def _join(prefix: Tensor, length: int, own: Tensor) -> Tensor:
    if length < prefix.shape[2]:
        prefix = prefix[:, :, :length]
    return torch.cat((prefix, own), dim=2)


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
    """Registers the attention function with transformers. To call it again is harmless."""
    function: Callable[..., tuple[Tensor, None]] = attend_blocks
    AttentionInterface.register(BLOCKS, function)
