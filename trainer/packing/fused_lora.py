"""The product of a layer with a LoRA adapter in one step, on CPUs: x W^T + scale (x A^T) B^T.

As separate modules, the adapter's part is written, scaled and added in three passes over the whole result,
forward and backward. On a small model that takes a tenth of the time. Here the part is added while it is
multiplied.

With `halves`, for CPUs with bfloat16 units, both factors of each product are bfloat16 and all else stays
float32. Autocast would also round the many small element-wise steps, which on small models costs more time
than the products gain. Frozen weights are kept rounded, so nothing is cast twice. Adapters stay float32 and
their part is added in float32, since early in training it is too small for the last bit of a bfloat16 sum.
"""

from functools import partial
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from torch import Tensor, nn


class _LoraProduct(torch.autograd.Function):
    """The product for a frozen W (out, in), computed in the dtype of W; gives gradients for x, A and B.

    All tensors but W are float32; x is (tokens, in). It returns no view of its result: some models (Falcon)
    add to it in place, which autograd refuses for a view made in here.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
        rows = x.to(weight.dtype)
        down, up = a.to(weight.dtype), b.to(weight.dtype)
        inner = rows @ down.t()  # (tokens, rank)
        result = (rows @ weight.t()).float().addmm_(inner.float(), b.t(), alpha=scale)  # (tokens, out)
        ctx.save_for_backward(rows, weight, down, up, inner)
        ctx.scale = scale
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, down, up, inner = ctx.saved_tensors
        (gradient,) = gradients
        flat = gradient.to(weight.dtype)  # (tokens, out)
        into_inner = flat @ up
        into_x = None
        if ctx.needs_input_grad[0]:  # not in the first layer: embeddings do not learn
            into_x = (flat @ weight).float().addmm_(into_inner.float(), down.float(), alpha=ctx.scale)
        into_a = (into_inner.t() @ rows).float().mul_(ctx.scale)
        into_b = (flat.t() @ inner).float().mul_(ctx.scale)
        return into_x, None, into_a, into_b, None


def fuse_products(model: nn.Module, *, halves: bool = False) -> None:
    """Makes every linear layer with an adapter multiply in one step.

    With `halves`, its frozen weight is rounded to bfloat16 in place, and the head multiplies with a rounded
    copy: its weight may be that of the embeddings.
    """
    head = model.get_output_embeddings()  # type: ignore[operator]
    if halves and isinstance(head, nn.Linear):
        head.register_buffer("rounded", head.weight.detach().bfloat16(), persistent=False)
        head.forward = partial(_multiply_rounded, head)  # type: ignore[method-assign]
    for module in model.modules():
        if isinstance(module, LoraLinear) and isinstance(module.base_layer, nn.Linear):  # no Conv1D of GPT-2
            if halves:
                module.base_layer.weight.data = module.base_layer.weight.data.bfloat16()
            module.forward = partial(_multiply, module)


def _multiply(layer: LoraLinear, x: Tensor) -> Tensor:
    base: Any = layer.base_layer
    result: Tensor
    if layer.disable_adapters:  # the plain base: no gradient passes here
        result = (x.to(base.weight.dtype) @ base.weight.t()).float()
    else:
        (name,) = layer.active_adapters
        a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
        rows = x.reshape(-1, x.shape[-1])
        result = _LoraProduct.apply(rows, base.weight, a, b, layer.scaling[name])  # type: ignore[no-untyped-call]
        result = result.view(*x.shape[:-1], -1)
    return result if base.bias is None else result + base.bias


def _multiply_rounded(head: Any, x: Tensor) -> Tensor:
    result: Tensor = (x.to(head.rounded.dtype) @ head.rounded.t()).float()
    return result if head.bias is None else result + head.bias
