"""bfloat16 on a CPU with bfloat16 units: the two sides of each matrix product are rounded, all else stays
float32.

Autocast also rounds the many small element-wise steps, which on small models costs more than the products
gain. Frozen weights are held rounded, so nothing is cast twice; adapters stay float32 and their part is added
in float32, since a young adapter's part lies below the last bit of a bfloat16 sum.
"""

from functools import partial
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor, nn


class _LoraProduct(torch.autograd.Function):
    """x W^T + scale (x A^T) B^T for a frozen W [out, in] in bfloat16; gradients for x, A and B."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1]).bfloat16()
        down, up = a.bfloat16(), b.bfloat16()
        inner = rows @ down.t()
        result = (rows @ weight.t()).float().addmm_(inner.float(), b.t(), alpha=scale)
        ctx.save_for_backward(rows, weight, down, up, inner)
        ctx.scale = scale
        return result.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, down, up, inner = ctx.saved_tensors
        (gradient,) = gradients
        flat = gradient.reshape(-1, gradient.shape[-1]).bfloat16()
        into_inner = flat @ up
        into_x = None
        if ctx.needs_input_grad[0]:  # not in the first layer: embeddings do not learn
            into_x = (flat @ weight).float().addmm_(into_inner.float(), down.float(), alpha=ctx.scale)
            into_x = into_x.view(*gradient.shape[:-1], -1)
        into_a = (into_inner.t() @ rows).float().mul_(ctx.scale)
        into_b = (flat.t() @ inner).float().mul_(ctx.scale)
        return into_x, None, into_a, into_b, None


class _HalfAttention(torch.autograd.Function):
    """Attention of [1, H, Q, D] over [1, G, K, D] with an additive mask [Q, K], H a multiple of G.

    Query heads that share keys are rows of one product: keys and values are never repeated. Two times as fast
    as the float32 kernel at 640 tokens; the probabilities are kept for the way back (2 bytes each).
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
        groups, keys = k.shape[1], k.shape[2]
        queries = (q * scale).bfloat16().reshape(groups, -1, q.shape[-1])
        k, v = k[0].bfloat16(), v[0].bfloat16()
        scores = torch.bmm(queries, k.transpose(1, 2)).float()
        scores.view(groups, -1, *mask.shape).add_(mask)
        seen = torch.softmax(scores, dim=-1).bfloat16()
        result = torch.bmm(seen, v)
        ctx.save_for_backward(queries, k, v, seen, result)
        ctx.scale, ctx.keys = scale, keys
        return result.float().view(q.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        queries, k, v, seen, result = ctx.saved_tensors
        (gradient,) = gradients
        flat = gradient.reshape(result.shape)
        into_result = flat.bfloat16()
        into_seen = torch.bmm(into_result, v.transpose(1, 2)).float()
        into_seen.sub_((flat * result).sum(-1, keepdim=True))
        into_scores = into_seen.mul_(seen).bfloat16()
        into_q = torch.bmm(into_scores, k).float().mul_(ctx.scale)
        into_k = torch.bmm(into_scores.transpose(1, 2), queries).float()
        into_v = torch.bmm(seen.transpose(1, 2), into_result).float()
        return into_q.view(gradient.shape), into_k[None], into_v[None], None, None


def attend_in_halves(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float) -> Tensor:
    """softmax(scale q k^T + mask) v, as `_HalfAttention` says."""
    result: Tensor = _HalfAttention.apply(q, k, v, mask, scale)  # type: ignore[no-untyped-call]
    return result


def use_half_products(model: nn.Module) -> None:
    """From now on every linear layer with an adapter multiplies in bfloat16.

    Its frozen weight is rounded in place.
    """
    for module in model.modules():
        if isinstance(module, LoraLinear):
            module.base_layer.weight.data = module.base_layer.weight.data.bfloat16()
            module.forward = partial(_multiply, module)


def _multiply(layer: LoraLinear, x: Tensor) -> Tensor:
    base: Any = layer.base_layer
    result: Tensor
    if layer.disable_adapters:  # the plain base: no gradient passes here
        result = (x.bfloat16() @ base.weight.t()).float()
    else:
        (name,) = layer.active_adapters
        a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
        result = _LoraProduct.apply(x, base.weight, a, b, layer.scaling[name])  # type: ignore[no-untyped-call]
    return result if base.bias is None else result + base.bias
