"""Everything that can go wrong in the nightly job.

TrainerError
|- RecipeRefused        a recipe file has wrong or contradictory values
|- NothingToTrainOn     a dataset without usable rows
|- TooFewExamples       a dataset with fewer usable rows than an objective needs
|- BaseWithoutChat      a base that has no chat template, or nothing that ends a turn
|- TextRefused          a line whose text this base cannot read; it is left out and counted
|- ReferenceMismatch    the reference of the first step is not the base model
|- Diverged             a loss or gradient is no longer a finite number
|- DiskShort            a checkpoint and what training keeps would not fit on the disk
|- CardTaken            an engine that did not leave its card to a run
|- TrialFailed          an untrained adapter did not go through check, engine and probe
|- CheckerUnknown       a checker or prompt list that cannot be imported
`- ChildFailed          the training child ended without finishing its run
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class TrainerError(Exception):
    """The base class of all errors of this package: catch it at a process edge."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets the sentence and the values: a constructor takes what they were made of."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[TrainerError], args: tuple[Any, ...], values: Mapping[str, Any]) -> TrainerError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(values)
    return error


class RecipeRefused(TrainerError):
    """A recipe file has wrong or contradictory values."""

    def __init__(self, path: Path | str, faults: list[str]) -> None:
        self.faults = faults
        listed = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"recipe {path} was refused:\n{listed}\nCorrect the named keys and start again.")


class NothingToTrainOn(TrainerError):
    """A dataset without a usable row."""

    def __init__(self, path: Path, refusals: Mapping[str, int], held_out: Sequence[str]) -> None:
        """`held_out`: the splits that do hold rows, which are measured but not learnt from."""
        self.refusals = dict(refusals)
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items()))
        why = f"all its rows lie in {' and '.join(held_out)}" if held_out else "no rows at all"
        super().__init__(
            f"dataset {path.name} has nothing to train on ({counted or why}): collect or import choices"
            + (", or raise `max_length`." if refusals.get("too_long") else ".")
        )


class TooFewExamples(TrainerError):
    """A dataset whose train split has fewer usable rows than an objective needs."""

    def __init__(self, path: Path, found: str, needed: str, refusals: Mapping[str, int]) -> None:
        self.refusals = dict(refusals)
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items()))
        left_out = f" (left out: {counted})" if counted else ""
        super().__init__(
            f"dataset {path.name} has {found} to learn from{left_out}, and {needed} are needed: collect or "
            "import more, or train with objective choice."
        )


class BaseWithoutChat(TrainerError):
    """A base that cannot hold a conversation as it is."""

    def __init__(self, base: Path, lack: str, remedy: str) -> None:
        super().__init__(f"the base {base} has {lack}, so it cannot be trained on conversations. {remedy}.")


class TextRefused(TrainerError):
    """A prompt or reply that this base cannot read. `reason` is one word for counts."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class ReferenceMismatch(TrainerError):
    """The reference of the first step is not the base model."""

    def __init__(self, margin: float) -> None:
        self.margin = margin
        super().__init__(
            f"the margin before the first update is {margin:.3g} instead of 0: the reference is not the base "
            "model. Train from a plain base model, never from one that already carries an adapter."
        )


class Diverged(TrainerError):
    """A loss or a gradient is no longer a finite number."""

    def __init__(self, step: int, name: str, value: float, learning_rate: float) -> None:
        super().__init__(
            f"the run diverged: at step {step} {name.replace('_', ' ')} is {value}. Lower `learning_rate` "
            f"(now {learning_rate:g}) in the recipe."
        )


class DiskShort(TrainerError):
    """A checkpoint and what training keeps would not fit on the disk."""

    def __init__(self, folder: Path, needed: int, free: int) -> None:
        self.needed, self.free = needed, free
        super().__init__(
            f"the run needs {needed:,} bytes on the disk of {folder}, and {free:,} are free: make room, "
            "lower [trainer] keep_checkpoints, or train an adapter with `method: lora`."
        )


class TrialFailed(TrainerError):
    """An untrained adapter of this base and recipe did not go through check, engine and probe."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(
            f"the dry pass before the first step failed, nothing was trained: {why.rstrip('. ')}. {remedy}"
        )


class CardTaken(TrainerError):
    """The engine did not leave the card that it shares with the trainer."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(
            f"the engine has not left the card within {waited_s:g} s ([trainer] engine_wait_s): see "
            "logs/up.log, or let it keep the card with [serving] during_training = stay."
        )


class CheckerUnknown(TrainerError):
    """A dotted name in a recipe that cannot be imported."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"cannot import {name!r} ({why}): write it as `package.module:name` in the recipe.")


class ChildFailed(TrainerError):
    """The training child ended without finishing its run."""

    def __init__(self, run_id: str, exit_code: int, log_tail: str) -> None:
        self.exit_code = exit_code
        super().__init__(
            f"run {run_id} ended with code {exit_code}; serving is unchanged. Last log lines:\n{log_tail}"
        )
