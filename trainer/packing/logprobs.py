"""The log-probability of each reply of packed rows, under a model with or without its adapter.

The output head computes reply tokens only. A model that cannot use packed rows (recurrent state, its own kind
of attention) reads one reply per row: the results are equal, it takes longer, and `Reader.obstacle` says why.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainer.data.example import Example
from trainer.packing.attention import BLOCKS, Layout, register_attention
from trainer.packing.last_layer import find_last_layer
from trainer.packing.rows import PackedRow, pack_row, split_rows
from trainer.packing.tolerance import find_tolerance

HEAD_ROWS = 1024  # reply tokens per product with the head: 1024 x 152k logits in fp32 are 0.6 GB
ATTENDING = {"full_attention", "sliding_attention"}


class _TokenLogprob(torch.autograd.Function):
    """log softmax(h W^T)[target] for h (n, hidden) and a frozen head W (vocabulary, hidden); (n,), float32.

    The gradient for h is that of the result times W[target] - softmax(h W^T) W. This difference is computed
    in the forward pass, so that no (n, vocabulary) tensor outlives its chunk.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, learns: bool) -> Tensor:
        found, directions = [], []
        for rows, seen in zip(torch.split(hidden, HEAD_ROWS), torch.split(targets, HEAD_ROWS), strict=True):
            logits = (rows.to(weight.dtype) @ weight.t()).float()  # (rows, vocabulary)
            total = torch.logsumexp(logits, dim=-1)
            found.append(logits.gather(1, seen[:, None])[:, 0] - total)
            if learns:
                shares = logits.sub_(total[:, None]).exp_().to(weight.dtype)
                directions.append((weight[seen] - shares @ weight).float())  # (rows, hidden)
        if learns:
            ctx.save_for_backward(torch.cat(directions))
            ctx.dtype = hidden.dtype
        return torch.cat(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (directions,) = ctx.saved_tensors
        (gradient,) = gradients
        return (directions * gradient[:, None]).to(ctx.dtype), None, None, None


class PackedScorer:
    """Reads the log-probabilities of replies from one model, a PEFT model over a causal language model.

    `halves`: bfloat16 products on a CPU (`fused_lora.py`), for which the caller has prepared the model.
    `autocast`: bfloat16 as in transformers' Trainer on a GPU, so that base and adapter are rounded alike.
    """

    def __init__(
        self,
        model: Any,
        *,
        halves: bool = False,
        autocast: bool = False,
    ) -> None:
        register_attention()
        self._base = model.get_base_model()
        self._halves = halves
        self._autocast = autocast
        self._own = self._base.config._attn_implementation
        self.obstacle = find_obstacle(self._base.config)
        head = self._base.get_output_embeddings()
        if getattr(head, "bias", None) is not None:
            self.obstacle = self.obstacle or "its head has a bias"
        if isinstance(head, BaseTunerLayer):
            self.obstacle = self.obstacle or "its head has an adapter"
        self._head: Tensor = head.weight.detach()
        if halves:
            self._head = self._head.bfloat16()
        self._last = find_last_layer(self._base.get_decoder())
        if self.obstacle is None:
            self._base.set_attn_implementation(BLOCKS)

    def check(self, model: Any, example: Example) -> None:
        """Reads one example packed and unpacked; if its log-probabilities differ, sets `obstacle` and never
        packs again.

        Give it the longest example: a sliding window shows only there. It costs one row each way.
        """
        if self.obstacle is not None:
            return
        with torch.no_grad():
            packed = self.read(model, [example])
            self._base.set_attn_implementation(self._own)
            with torch.autocast(self._head.device.type, torch.bfloat16, enabled=self._autocast):
                apart = self._read_apart(model, [example])
        exact = not self._halves and not self._autocast and self._head.dtype == torch.float32
        gaps = (packed - apart).abs().tolist()
        limits = [find_tolerance(len(reply), exact=exact) for reply in example.replies]
        if not all(gap <= limit for gap, limit in zip(gaps, limits, strict=True)):
            self.obstacle = f"packed and separate rows differ by {max(gaps):.2g} nats a reply"
        else:
            self._base.set_attn_implementation(BLOCKS)

    def split(self, examples: Sequence[Example], row_tokens: int) -> list[list[Example]]:
        """The examples in rows of at most `row_tokens` tokens; one example per row if the model cannot use
        packed rows.
        """
        if self.obstacle is not None:
            return [[example] for example in examples]
        return list(split_rows(examples, row_tokens))

    def read(self, model: Any, examples: Sequence[Example]) -> Tensor:
        """The summed log-probability of each reply of the examples, EOS included, in nats; (replies,),
        float32.

        `model` is what was given to the constructor, or its wrapper for several processes.
        """
        with torch.autocast(self._head.device.type, torch.bfloat16, enabled=self._autocast):
            if self.obstacle is not None:
                return self._read_apart(model, examples)
            return self._read_packed(model, examples)

    def _read_packed(self, model: Any, examples: Sequence[Example]) -> Tensor:
        row = pack_row(examples).to(self._head.device)
        return row.owners @ self.read_tokens(model, row)

    def read_tokens(self, model: Any, row: PackedRow) -> Tensor:
        """The log-probability of each reply token of a row, in nats; (reply tokens,), float32."""
        # Gradient checkpointing computes layers again in the backward pass, when these hooks are gone.
        last = None if self._base.is_gradient_checkpointing else self._last
        layout = Layout(row, last=last.index if last else None)
        with last.only(torch.unique(row.sources)) if last else nullcontext():
            hidden = self._read_hidden(
                model,
                input_ids=row.ids,
                position_ids=row.positions,
                layout=layout,
            )
        foreseeing = hidden[0].index_select(0, row.sources)  # (reply tokens, hidden)
        found: Tensor = _TokenLogprob.apply(  # type: ignore[no-untyped-call]
            foreseeing, self._head, row.targets, foreseeing.requires_grad
        )
        return found

    def _read_hidden(self, model: Any, **arguments: Any) -> Tensor:
        """The last hidden states, caught before they reach the head; (1, tokens, hidden).

        The whole model is called, since training with several processes needs that, but its head computes one
        token only.
        """
        caught: list[Tensor] = []
        decoder = self._base.get_decoder()
        hook = decoder.register_forward_hook(
            lambda _module, _given, made: caught.append(made.last_hidden_state)
        )
        try:
            model(use_cache=False, logits_to_keep=1, **arguments)
        finally:
            hook.remove()
        return caught[0]

    def _read_apart(self, model: Any, examples: Sequence[Example]) -> Tensor:
        return torch.cat([self._read_example(model, example) for example in examples])

    def _read_example(self, model: Any, example: Example) -> Tensor:
        """The summed log-probability of each reply of one example; (replies,).

        Each reply has a row of its own, padded on the right, and the model's own attention and head are used.
        """
        start, longest = len(example.prompt_ids), max(map(len, example.replies))
        ids = torch.zeros(len(example.replies), start + longest, dtype=torch.long)
        known = torch.zeros_like(ids)
        for number, reply in enumerate(example.replies):
            ids[number, : start + len(reply)] = torch.tensor([*example.prompt_ids, *reply])
            known[number, : start + len(reply)] = 1
        ids, known = ids.to(self._head.device), known.to(self._head.device)
        kept = longest + 1  # from the prompt's last token, which predicts a reply's first
        logits = model(input_ids=ids, attention_mask=known, use_cache=False, logits_to_keep=kept).logits
        nats = cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, start:].flatten(), reduction="none")
        return -(nats.view(-1, longest) * known[:, start:]).sum(dim=1)


def find_obstacle(config: Any) -> str | None:
    """Why a model cannot use packed rows, as far as its configuration tells; None if it can."""
    others = set(getattr(config, "layer_types", None) or ()) - ATTENDING
    if others:
        return f"it has layers with a state of their own ({', '.join(sorted(others))})"
    return None
