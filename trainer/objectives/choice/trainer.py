"""transformers' Trainer on packed choices: public hooks only.

`get_batch_samples` weighs a whole optimizer step, `training_step` runs its rows, `evaluate` measures held-out
nats per decision, `log` adds what a step showed. The loss of a step is

    sum(weight x loss) / sum(weight)   over all its examples, accumulation and processes included:

the weights are summed over all processes before the first row runs, and each process scales its part by their
number, since gradients are averaged over processes. So one process and several take the same step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import Trainer

from trainer.data.example import Example
from trainer.errors import ReferenceMismatch
from trainer.objectives.choice.example_set import ConversationSet
from trainer.objectives.choice.loss import Losses, Sums, find_losses, tabulate_examples
from trainer.packing.logprobs import PackedScorer
from trainer.packing.rows import count_tokens

Known = Mapping[str, tuple[float, ...]]


class ChoiceTrainer(Trainer):  # type: ignore[misc]
    """A Trainer for packed choices. `model`: a PEFT model; its plain base is the reference.

    `known`: the reference's log-probability of each reply, by example id; without them an example is read
    under the base in the run. `tolerance`: the largest log-ratio s, in nats, that is allowed before the first
    update, given the tokens of a reply; a larger one raises ReferenceMismatch. `args` must log every step and
    sample in sequence: whole conversations are shuffled, so that a batch holds their turns.
    """

    loss_is_scaled_for_ga = True
    begins_at_base = True  # False for an adapter that has learnt before: its first log-ratios are not 0
    control: Any

    def __init__(
        self,
        model: Any,
        reader: PackedScorer,
        *,
        beta: float,
        anchor: float = 0.0,
        row_tokens: int,
        known: Known | None = None,
        tolerance: Callable[[int], float],
        train: Sequence[Example],
        held_out: Sequence[Example],
        **settings: Any,
    ) -> None:
        super().__init__(
            model=model,
            train_dataset=ConversationSet(train, settings["args"].seed),
            eval_dataset=list(held_out) or None,
            data_collator=list,
            **settings,
        )
        self.reader = reader
        self._beta = beta
        self._anchor = anchor
        self._row_tokens = row_tokens
        self._known = known or {}
        self._tolerance = tolerance
        self._held_out = held_out
        self._held_out_base: list[tuple[list[Example], Tensor]] = []
        self._seen: Tensor | None = None
        self._delta: float | None = None

    def get_batch_samples(
        self, epoch_iterator: Iterator[list[Example]], num_batches: int, device: torch.device
    ) -> tuple[list[list[Example]], Tensor]:
        """The batches of one optimizer step, and the summed weight of their examples over all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        weight = sum(example.weight for batch in batches for example in batch)
        total: Tensor = self.accelerator.reduce(torch.tensor(weight, dtype=torch.float64, device=device))
        return batches, total

    def training_step(
        self, model: Any, inputs: list[Example], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Runs one batch forward and backward, one row at a time, so that memory holds the activations of one
        row.

        Processes exchange gradients at the last row of the step, however many rows each has.
        """
        model.train()
        assert num_items_in_batch is not None
        share = self.accelerator.num_processes / float(num_items_in_batch)
        # Examples of like length share a row. The order changes nothing in the sum but its rounding.
        examples = sorted(inputs, key=lambda example: (-count_tokens(example), example.id))
        rows = self.reader.split(examples, self._row_tokens)
        total = torch.zeros((), device=self.args.device)
        for row in rows:
            with nullcontext() if row is rows[-1] else self.accelerator.no_sync(model):
                base = self._read_base(row)
                sums = self.reader.read(model, row)
                losses, weights = self._find_losses(row, sums, base)
                if self.begins_at_base and self.state.global_step == 0:
                    self._check_reference(row, sums, base)
                loss = (losses.total * weights).sum() * share
                self.accelerator.backward(loss)
            seen = losses.sum_up(weights)
            self._seen = seen if self._seen is None else self._seen + seen
            total += loss.detach()
        return total

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Measures the held-out examples: the mean decision loss in nats per example, weighted, and accuracy
        and shift.

        The loss includes slot offsets and noise rates, not the likelihood term; the two decisions of an edit
        are summed.
        """
        self.model.eval()
        if not self._held_out_base:  # the base does not change, and so the rows stay, packed or not
            processes, own = self.accelerator.num_processes, self.accelerator.process_index
            rows = self.reader.split(sorted(self._held_out, key=count_tokens), self._row_tokens)
            self._held_out_base = [(row, self._read_base(row)) for row in rows[own::processes]]
        found = torch.zeros(len(Sums._fields), dtype=torch.float64, device=self.args.device)
        with torch.no_grad():
            for row, base in self._held_out_base:
                losses, weights = self._find_losses(row, self.reader.read(self.model, row), base)
                found += losses.sum_up(weights)
        seen = Sums(*self.accelerator.reduce(found).tolist())
        metrics = {
            f"{metric_key_prefix}_loss": seen.nats / seen.weight,
            f"{metric_key_prefix}_accuracy": seen.hits / max(seen.stages, 1.0),
            f"{metric_key_prefix}_shift": seen.shifts / max(seen.preferred, 1.0),
        }
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds margin, accuracy, shift and thumbs of the step, and its loss as held-out checks have it."""
        if self._seen is not None and "loss" in logs:
            seen = Sums(*self.accelerator.reduce(self._seen).tolist())
            if seen.weight:  # a step may hold thumbs alone
                logs["decision_loss"] = seen.nats / seen.weight
            logs["rewards/margins"] = seen.margins / max(seen.stages, 1.0)
            logs["rewards/accuracies"] = seen.hits / max(seen.stages, 1.0)
            logs["shift"] = seen.shifts / max(seen.preferred, 1.0)
            if seen.thumbs:
                logs["thumbs/rewards"], logs["thumbs/count"] = seen.rewards, seen.thumbs
            self._seen, self._delta = None, None
        super().log(logs, start_time)

    def find_delta(self) -> float:
        """The mean beta s of the thumbs of all earlier steps, in nats; 0 before the first.

        It is read from the log, which checkpoints keep: a resumed run goes on with the same mean.
        """
        if self._delta is None:
            steps = [entry for entry in self.state.log_history if "thumbs/count" in entry]
            count = sum(entry["thumbs/count"] for entry in steps)
            self._delta = sum(entry["thumbs/rewards"] for entry in steps) / count if count else 0.0
        return self._delta

    def _read_base(self, row: Sequence[Example]) -> Tensor:
        """The reference's log-probability of each reply of the row; (replies,)."""
        known = [self._known.get(example.id) for example in row]
        if None not in known:
            sums = [value for values in known if values is not None for value in values]
            return torch.tensor(sums, device=self.args.device)
        plain = self.accelerator.unwrap_model(self.model)
        with torch.no_grad(), plain.disable_adapter():
            return self.reader.read(plain, row)

    def _find_losses(self, row: Sequence[Example], sums: Tensor, base: Tensor) -> tuple[Losses, Tensor]:
        decisions = tabulate_examples(row).to(sums.device)
        counts = torch.tensor(
            [len(reply) for example in row for reply in example.replies], device=sums.device
        )
        losses = find_losses(
            decisions, sums, base, counts, beta=self._beta, anchor=self._anchor, delta=self.find_delta()
        )
        return losses, decisions.weights

    def _check_reference(self, row: Sequence[Example], sums: Tensor, base: Tensor) -> None:
        """Raises ReferenceMismatch if s is not 0 before the first update, when the adapter still adds 0."""
        replies = [reply for example in row for reply in example.replies]
        for reply, ratio in zip(replies, (sums - base).tolist(), strict=True):
            if not abs(ratio) <= self._tolerance(len(reply)):
                raise ReferenceMismatch(ratio)
