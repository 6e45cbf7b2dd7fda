"""What the `choice` objective learns from, after tokenising: a prompt, its replies, and the decisions among
them.

Pure data. `objectives/choice/examples.py` makes it from a dataset, `packing/rows.py` lays it out in rows,
`objectives/choice/loss.py` computes its loss.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One decision among replies.

    `options`: places in `Example.replies`. `won`: the options that were taken, several for a tie. `offsets`:
    for each option the logit of its slot; zeros if no card was picked. `noise_rate`: probability that the
    decision was blind, that is uniform over the options.
    """

    options: tuple[int, ...]
    won: tuple[int, ...]
    offsets: tuple[float, ...]
    noise_rate: float


@dataclass(frozen=True)
class Example:
    """One decision of an agent, or one thumb. `weight`: its weight in the loss.

    `replies`: token ids, each ending with EOS, one per distinct text. `stages`: its decisions; empty for an
    unpaired thumb. `preferred`: place of the reply whose likelihood is kept up; `nll`: the factor on its mean
    nats per token. `thumb`: up or down, for an unpaired thumb, which has one reply.
    """

    id: str
    conversation: str
    prompt_ids: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]
    stages: tuple[Stage, ...] = ()
    preferred: int | None = None
    nll: float = 0.0
    thumb: bool | None = None
    weight: float = 1.0
