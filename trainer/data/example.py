"""What the `choice` objective learns from, after tokenising: one prompt, its replies, and the decisions among
them.

Pure data. `objectives/choice/examples.py` makes it from a dataset, `packing/rows.py` lays it out in rows,
`objectives/choice/loss.py` says its loss.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One decision among replies.

    `options`: places in `Example.replies`. `won`: those of them that were taken, several for a tie.
    `offsets`: the logit of each option's slot, one per option; zeros where no card was picked.
    `lapse`: probability that the decision was blind, uniform over the options.
    """

    options: tuple[int, ...]
    won: tuple[int, ...]
    offsets: tuple[float, ...]
    lapse: float


@dataclass(frozen=True)
class Example:
    """One decision of an agent, or one thumb.

    `replies`: token ids, each ending with EOS, one per distinct text. `stages` is empty for an unpaired
    thumb.
    `preferred`: place of the reply whose likelihood is kept up by `nll` times its mean nats per token.
    `thumb`: up or down, for an unpaired thumb, which has one reply. `weight`: of the whole example.
    """

    id: str
    conversation: str
    prompt_ids: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]
    stages: tuple[Stage, ...]
    preferred: int | None
    nll: float
    thumb: bool | None
    weight: float
