"""Counts the FLOPs of one training step: every matrix product of each side of `bench.train`.

A product of [m, k] with [k, n] counts 2 m k n. Element-wise work, norms and the optimizer are left out, so
the ratio of two counts is what a machine would reach if only products took time. Work that only one side does
(TRL computes statistics over the whole vocabulary, on a CPU also for prompts) can make a measured ratio
higher.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch

from trainer.packing.rows import PackedRow

QKV = 3  # the first products of a layer: those of layer 0 pass no gradient on, embeddings do not learn
KEYS, VALUES = 1, 2  # among these, the products that the last layer needs for every token
SCORES_FORWARD = 2  # q k^T and p v
SCORES_BACKWARD = 5  # q k^T recomputed, and the gradients of v, p, q and k

# Dense bfloat16 TFLOP/s by a part of the device's name, the longer names first.
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "A10": 125}


class FlopWork(NamedTuple):
    """The amounts that go through a model: `tokens` through its layers, `pairs` of tokens with attention in
    each layer, `scored` positions through the head. `read` and `read_pairs` are the tokens and pairs whose
    output of the last layer is used: except for keys and values, that layer computes only these. Sum with
    `add`.
    """

    tokens: int
    pairs: int
    scored: int
    read: int
    read_pairs: int

    def add(self, other: "FlopWork") -> "FlopWork":
        return FlopWork(*(a + b for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Decoder:
    """The sizes of a decoder's matrix products: `linear` holds (in, out) of each linear layer in one block,
    queries, keys and values first; `width` = heads x head size.
    """

    linear: tuple[tuple[int, int], ...]
    layers: int
    width: int
    hidden: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> Self:
        """The sizes of a transformers model with plain attention and a gated MLP (Qwen, Llama, Mistral)."""
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        queries, keys = size * config.num_attention_heads, size * config.num_key_value_heads
        hidden, inner = config.hidden_size, config.intermediate_size
        attention = ((hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden))
        gated = ((hidden, inner), (hidden, inner), (inner, hidden))
        return cls((*attention, *gated), config.num_hidden_layers, queries, hidden, config.vocab_size)


def count_visible(tokens: int) -> int:
    """The number of pairs of a token with itself or an earlier token (causal attention)."""
    return tokens * (tokens + 1) // 2


def row_work(row: PackedRow) -> FlopWork:
    """The work of a packed row. Each token attends to its own branch up to itself, the head runs on reply
    tokens only, and the last layer's output is used only at positions that predict a reply token.
    """
    seen, read = row.positions[0] + 1, torch.unique(row.sources)
    return FlopWork(len(seen), int(seen.sum()), len(row.targets), len(read), int(seen[read].sum()))


def pair_work(prompt: int, replies: Sequence[int], *, every_position: bool) -> FlopWork:
    """The work of a pair in TRL: one row for each side. With `every_position` the head runs on all positions
    but the last, as in TRL without Triton; otherwise on replies only. The last layer is computed for all
    tokens.
    """
    work = FlopWork(0, 0, 0, 0, 0)
    for reply in replies:
        row, pairs = prompt + reply, count_visible(prompt + reply)
        work = work.add(FlopWork(row, pairs, row - 1 if every_position else reply, row, pairs))
    return work


def list_products(decoder: Decoder, work: FlopWork) -> Iterator[tuple[int, int, int, bool]]:
    """The linear products of all layers: in, out, tokens, and whether the input needs a gradient."""
    for layer in range(decoder.layers):
        is_last = layer == decoder.layers - 1
        for place, (a, b) in enumerate(decoder.linear):
            rows = work.read if is_last and place not in (KEYS, VALUES) else work.tokens
            yield a, b, rows, layer > 0 or place >= QKV


def count_reference(decoder: Decoder, work: FlopWork) -> int:
    """FLOPs of one forward pass of the base model without LoRA."""
    body = sum(2 * rows * a * b for a, b, rows, _ in list_products(decoder, work))
    scores = SCORES_FORWARD * 2 * count_attended(decoder, work) * decoder.width
    return body + scores + 2 * work.scored * decoder.hidden * decoder.vocabulary


def count_training(decoder: Decoder, work: FlopWork, *, rank: int, head_products: int) -> int:
    """FLOPs of forward and backward with LoRA of this rank on every linear layer except the head. Only LoRA
    is trained, and no layer is recomputed (no checkpointing).

    `head_products` is the number of products with the head's matrix, forward and backward. 2 are needed; TRL
    does 3, since it computes the logits again in the backward pass.
    """
    body = 0
    for a, b, rows, comes_back in list_products(decoder, work):
        narrow = rank * (a + b)  # the adapter's two products, down and up
        forward = a * b + narrow
        backward = 2 * narrow + a * b  # adapter: gradients of weights and input; base: of the input
        body += 2 * rows * (forward + backward - (0 if comes_back else a * (b + rank)))
    scores = (SCORES_FORWARD + SCORES_BACKWARD) * 2 * count_attended(decoder, work) * decoder.width
    return body + scores + head_products * 2 * work.scored * decoder.hidden * decoder.vocabulary


def count_attended(decoder: Decoder, work: FlopWork) -> int:
    """Pairs with attention, summed over all layers."""
    return (decoder.layers - 1) * work.pairs + work.read_pairs


def find_peak_tflops(device: str) -> float | None:
    """The peak TFLOP/s of a chip with a known name."""
    return next((float(peak) for part, peak in PEAKS.items() if part in device), None)
