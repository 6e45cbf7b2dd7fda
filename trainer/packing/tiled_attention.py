"""Attention over a packed row in pieces, on CPUs: rows of queries against only the keys that they see.

PyTorch's kernel for CPUs computes what its mask hides, and runs at half the speed of plain products. Here a
trunk is cut into strips up to the diagonal, and each branch is held against its stem and itself. The
probabilities are kept for the way back, so pieces are for rows of some hundred tokens (`MOST_KEYS`).
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from trainer.packing.rows import PackedRow

STRIP = 128  # rows of a trunk in one piece: half of their last keys are hidden
ROUNDED_STRIP = 192  # products in bfloat16 are so cheap that fewer pieces win
MOST_KEYS = 1024  # beyond it the kept probabilities outweigh what the pieces save


class Piece(NamedTuple):
    """`rows` of queries that see `spans` of keys, but for what `bias` hides: 0 or -inf over the last keys of
    the spans, as many as it has columns.
    """

    rows: slice
    spans: tuple[slice, ...]
    bias: Tensor


def cut_trunk(length: int, strip: int) -> list[Piece]:
    """Strips of a causal triangle."""
    pieces = []
    for start in range(0, length, strip):
        stop = min(start + strip, length)
        hidden = torch.full((stop - start, stop - start), -torch.inf).triu(1)
        pieces.append(Piece(slice(start, stop), (slice(0, stop),), hidden))
    return pieces


def cut_branches(row: PackedRow, number: int, bias: Tensor) -> list[Piece]:
    """The branches of a block by themselves; `bias`: [own, stem + own] of the whole block."""
    block = row.blocks[number]
    segments = row.segments[block.start : block.stop]
    inner = row.ancestors[segments][:, torch.unique(segments)].sum(1)  # 1: hangs on the trunk
    begins = (inner == 1) & torch.cat([torch.ones(1, dtype=torch.bool), segments.diff() != 0])
    starts = [*begins.nonzero()[:, 0].tolist(), len(segments)]
    pieces = []
    for start, stop in pairwise(starts):
        rows, own = slice(start, stop), slice(block.stem + start, block.stem + stop)
        above, hidden = bias[rows, : block.stem], bias[rows, own]
        if above.any():  # it hangs higher up than the block's last branch
            hidden = torch.cat([above, hidden], dim=1)
        pieces.append(Piece(rows, (slice(0, block.stem), own), hidden))
    return pieces


class _PieceAttention(torch.autograd.Function):
    """softmax(scale q k^T) v of [1, H, Q, D] over [1, G, K, D], H a multiple of G; products in `dtype`, all
    else float32. Query heads that share keys are rows of one product: keys and values are never repeated.
    """

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, pieces: Sequence[Piece], scale: float, dtype: torch.dtype
    ) -> Tensor:
        groups, size = k.shape[1], q.shape[3]
        queries = (q * scale).to(dtype).view(groups, -1, q.shape[2], size)
        keys, values = k[0].to(dtype), v[0].to(dtype)
        result = q.new_empty(queries.shape)
        kept = []
        for rows, spans, bias in pieces:
            part = queries[:, :, rows].reshape(groups, -1, size)
            scores = [torch.bmm(part, keys[:, span].transpose(1, 2)) for span in spans]
            joined = (scores[0] if len(scores) == 1 else torch.cat(scores, dim=2)).float()
            joined.view(groups, -1, len(bias), joined.shape[2])[..., -bias.shape[1] :].add_(bias)
            seen = torch.softmax(joined, dim=-1).to(dtype)
            made = sum_up(torch.bmm(each, values[:, span]).float() for span, each in _split(seen, spans))
            result[:, :, rows] = made.view(groups, -1, rows.stop - rows.start, size)
            kept.append(seen)
        ctx.save_for_backward(queries, keys, values, result, *kept)
        ctx.pieces, ctx.scale = pieces, scale
        return result.view(q.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, values, result, *kept = ctx.saved_tensors
        groups, heads, length, size = queries.shape
        full = gradients[0].reshape(groups, heads, length, size)
        whole = (full * result).sum(-1, keepdim=True)
        flat = full.to(queries.dtype)
        into_q = torch.empty_like(full)
        into_k, into_v = (torch.zeros(keys.shape, dtype=full.dtype) for _ in range(2))
        for (rows, spans, _), seen in zip(ctx.pieces, kept, strict=True):
            part, given = (each[:, :, rows].reshape(groups, -1, size) for each in (queries, flat))
            level = whole[:, :, rows].reshape(groups, -1, 1)
            found = []
            for span, each in _split(seen, spans):
                into_seen = torch.bmm(given, values[:, span].transpose(1, 2)).float()
                into_scores = into_seen.sub_(level).mul_(each).to(queries.dtype)
                found.append(torch.bmm(into_scores, keys[:, span]).float())
                into_k[:, span] += torch.bmm(into_scores.transpose(1, 2), part)
                into_v[:, span] += torch.bmm(each.transpose(1, 2), given)
            into_q[:, :, rows] = sum_up(found).view(groups, heads, rows.stop - rows.start, size)
        shape = (1, groups * heads, length, size)
        return into_q.mul_(ctx.scale).view(shape), into_k[None], into_v[None], None, None, None


def _split(seen: Tensor, spans: Sequence[slice]) -> Iterable[tuple[slice, Tensor]]:
    parts = torch.split(seen, [span.stop - span.start for span in spans], dim=2)
    return zip(spans, parts, strict=True)


def sum_up(parts: Iterable[Tensor]) -> Tensor:
    total, *rest = parts
    for part in rest:
        total += part
    return total


def attend_in_pieces(
    q: Tensor, k: Tensor, v: Tensor, pieces: Sequence[Piece], scale: float, *, halves: bool
) -> Tensor:
    """softmax(scale q k^T) v of [1, H, Q, D] over [1, G, K, D] where the pieces let q see k."""
    dtype = torch.bfloat16 if halves else q.dtype
    result: Tensor = _PieceAttention.apply(q, k, v, pieces, scale, dtype)  # type: ignore[no-untyped-call]
    return result
