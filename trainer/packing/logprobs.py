"""The log-probability of each reply of packed rows, under a model with or without its adapter.

The output head computes reply tokens only. A model that cannot use packed rows (recurrent state, its own kind
of attention) reads one reply per row: the results are equal, it takes longer, and `PackedScorer.obstacle`
says why.
"""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from trainer.data.example import Example
from trainer.packing.attention import BLOCKS, Layout, register_attention
from trainer.packing.exactly import computing_exactly
from trainer.packing.last_layer import find_last_layer
from trainer.packing.own_head import OwnHead
from trainer.packing.rows import PackedRow, pack_row, split_rows
from trainer.packing.tolerance import find_tolerance

log = logging.getLogger(__name__)

HEAD_ROWS = 512  # reply tokens per product with the head: 512 x 152k logits in fp32 are 0.3 GB, held twice
ATTENDING = {"full_attention", "sliding_attention"}


class _TokenLogprob(torch.autograd.Function):
    """The log-probability of each target for hidden states h (n, hidden) and a frozen head; (n,), float32.

    The gradient for h is computed in the forward pass, so that no (n, vocabulary) tensor outlives its chunk.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, targets: Tensor, head: OwnHead, learns: bool) -> Tensor:
        found, directions = [], []
        for chunk, seen in zip(torch.split(hidden, HEAD_ROWS), torch.split(targets, HEAD_ROWS), strict=True):
            with torch.set_grad_enabled(learns):
                rows = chunk.detach().requires_grad_(learns)
                logits = head.read_logits(rows)  # (rows, vocabulary)
            known = logits.detach()
            total = torch.logsumexp(known, dim=-1)
            found.append(known.gather(1, seen[:, None])[:, 0] - total)
            if learns:
                pull = known.sub(total[:, None]).exp_().neg_()  # the target's logit goes up, all go down
                pull.scatter_add_(1, seen[:, None], torch.ones_like(pull[:, :1]))
                directions += [part.float() for part in torch.autograd.grad(logits, rows, pull)]
        if learns:
            ctx.save_for_backward(torch.cat(directions))  # (n, hidden)
            ctx.dtype = hidden.dtype
        return torch.cat(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (directions,) = ctx.saved_tensors
        (gradient,) = gradients
        return (directions * gradient[:, None]).to(ctx.dtype), None, None, None


class PackedScorer:
    """Reads the log-probabilities of replies from one model, a causal language model or a PEFT model over it.

    `autocast`: bfloat16 as in transformers' Trainer on a GPU, so that base and adapter are rounded alike.
    """

    def __init__(self, model: Any, *, autocast: bool = False) -> None:
        register_attention()
        self._base = model.get_base_model() if isinstance(model, PeftModel) else model
        self._autocast = autocast
        self._own = self._base.config._attn_implementation
        self.obstacle = find_obstacle(self._base.config.get_text_config())
        if isinstance(model, PeftModel) and model.active_peft_config.is_prompt_learning:
            self.obstacle = self.obstacle or "its method puts virtual tokens before each reply's prompt"
        if isinstance(self._base.get_output_embeddings(), BaseTunerLayer):
            self.obstacle = self.obstacle or "its head has an adapter"
        self._head = OwnHead(self._base)
        own = self._base.get_output_embeddings()
        self._head_learns = own is not None and any(weight.requires_grad for weight in own.parameters())
        self._last = find_last_layer(self._base.get_decoder())
        if self.obstacle is None:
            self._base.set_attn_implementation(BLOCKS)

    def check(self, model: Any, example: Example) -> None:
        """Reads one example packed and separately; if a token's log-probability differs, or a packed row
        fails, no row is packed from then on.

        Both are read in float32 whatever the weights are: in bfloat16 rounding hides what is wrong. Give it
        the longest example: a sliding window shows only there. It costs one row and its gradients, and one
        row each way.
        """
        if self.obstacle is not None:
            return
        row = pack_row([example]).to(self._base.device)
        try:
            # With gradients, as in a step: some faults show there alone.
            with torch.enable_grad():
                self._read_packed(model, row).sum().backward()  # type: ignore[no-untyped-call]
            model.zero_grad()
            with torch.no_grad(), computing_exactly(self._base):
                packed = self.read_tokens(model, row)
                self._base.set_attn_implementation(self._own)
                apart = torch.cat(self._read_apart(model, [example]))
        except torch.OutOfMemoryError:
            raise  # separate rows would take more
        except Exception as error:  # models are built in many ways, and fail in as many
            self._stop_packing(error)
            return
        gap = find_largest_gap(packed - apart, row)
        if gap is None:
            self._base.set_attn_implementation(BLOCKS)
        else:
            self._stop_packing(f"packed and separate rows differ by {gap:.2g} nats a token")

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
        if self.obstacle is None:
            try:
                return self._read_packed(model, pack_row(examples).to(self._base.device))
            except torch.OutOfMemoryError:
                raise  # smaller rows are the remedy; separate ones would take more
            except Exception as error:  # a row that the first check did not cover
                self._stop_packing(error)
        with self._rounding():
            return torch.stack([tokens.sum() for tokens in self._read_apart(model, examples)])

    def _read_packed(self, model: Any, row: PackedRow) -> Tensor:
        with self._rounding():
            return row.owners @ self.read_tokens(model, row)

    def _rounding(self) -> torch.autocast:
        return torch.autocast(self._base.device.type, torch.bfloat16, enabled=self._autocast)

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
        predicting = hidden[0].index_select(0, row.sources)  # (reply tokens, hidden)
        if self._head_learns:
            return self._read_learning_head(predicting, row.targets)
        found: Tensor = _TokenLogprob.apply(  # type: ignore[no-untyped-call]
            predicting, row.targets, self._head, predicting.requires_grad
        )
        return found

    def _read_learning_head(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The same numbers with gradients for the head's own weights. The logits of a chunk are computed
        again in the backward pass, so that only one chunk's exist at once.
        """

        def read(rows: Tensor, seen: Tensor) -> Tensor:
            return -cross_entropy(self._head.read_logits(rows), seen, reduction="none")

        chunks = zip(torch.split(hidden, HEAD_ROWS), torch.split(targets, HEAD_ROWS), strict=True)
        return torch.cat([checkpoint(read, rows, seen, use_reentrant=False) for rows, seen in chunks])

    def _read_hidden(self, model: Any, **arguments: Any) -> Tensor:
        """The last hidden states, caught before they reach the head; (1, tokens, hidden).

        The whole model is called, since training with several processes needs that, but its head computes one
        token only.
        """
        caught: list[Tensor] = []
        hook = self._head.body.register_forward_hook(
            lambda _module, _given, made: caught.append(made.last_hidden_state)
        )
        try:
            model(use_cache=False, logits_to_keep=1, **arguments)
        finally:
            hook.remove()
        return caught[0]

    def _read_apart(self, model: Any, examples: Sequence[Example]) -> list[Tensor]:
        """The log-probability of each token of each reply."""
        return [tokens for example in examples for tokens in self._read_example(model, example)]

    def _read_example(self, model: Any, example: Example) -> list[Tensor]:
        """The log-probability of each token of each reply of one example.

        Each reply has a row of its own, padded on the right, and the model's own attention and head are used.
        """
        start, longest = len(example.prompt_ids), max(map(len, example.replies))
        ids = torch.zeros(len(example.replies), start + longest, dtype=torch.long)
        known = torch.zeros_like(ids)
        for number, reply in enumerate(example.replies):
            ids[number, : start + len(reply)] = torch.tensor([*example.prompt_ids, *reply])
            known[number, : start + len(reply)] = 1
        ids, known = ids.to(self._base.device), known.to(self._base.device)
        kept = longest + 1  # from the prompt's last token, which predicts a reply's first
        logits = model(input_ids=ids, attention_mask=known, use_cache=False, logits_to_keep=kept).logits
        nats = cross_entropy(logits[:, :-1].float().flatten(0, 1), ids[:, start:].flatten(), reduction="none")
        rows = zip(nats.view(-1, longest), example.replies, strict=True)
        return [-row[: len(reply)] for row, reply in rows]

    def _stop_packing(self, reason: Exception | str) -> None:
        """From now on each reply has a row of its own, which is slower and gives the same numbers."""
        if isinstance(reason, Exception):
            first = (str(reason).strip() or type(reason).__name__).splitlines()[0]
            reason = f"a packed row fails: {first}"
        self.obstacle = reason
        self._base.set_attn_implementation(self._own)
        log.warning("packed rows are not possible with this base (%s): one reply a row", reason)


def find_largest_gap(gaps: Tensor, row: PackedRow) -> float | None:
    """The largest gap in nats a token, if rounding does not explain all of them; else None.

    `gaps`: what two readings of each reply token of the row differ by. Each token counts, and each reply:
    gaps of a wrong mask may cancel each other out in a sum, small ones of one sign may add up.
    """
    largest = float(gaps.abs().max())
    replies = zip((row.owners @ gaps).abs().tolist(), row.counts.tolist(), strict=True)
    sound = all(gap <= find_tolerance(tokens, exact=True) for gap, tokens in replies)
    return None if sound and largest <= find_tolerance(1, exact=True) else largest


def find_obstacle(config: Any) -> str | None:
    """Why a model cannot use packed rows, as far as its configuration tells; None if it can."""
    others = set(getattr(config, "layer_types", None) or ()) - ATTENDING
    if others:
        return f"it has layers with a state of their own ({', '.join(sorted(others))})"
    return None
