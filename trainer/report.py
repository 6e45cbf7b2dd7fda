"""What an evaluation found, as it is stored with the run, printed as JSON and read by the gate.

Absent figures are None: the gate takes them for missing evidence, never for good news.
"""

from pydantic import BaseModel, ConfigDict

from trainer.baselines import Score


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Fitted(_Figures):
    """The numbers behind the rules: slots and the base's scale from train, the adapters' scales from
    validation.
    """

    slot_offsets: list[float]
    base_scale: float
    adapter_scale: float
    adapter_slot_scale: float
    n_train: int
    n_validation: int


class TrainFit(_Figures):
    """How well the adapter foresees what it was trained on. If it cannot, data or code is wrong."""

    n: int
    accuracy: float
    uniform_accuracy: float
    log_loss: float


class ReplyFigures(_Figures):
    """Replies to fixed prompts, adapter against base.

    Shares are 0 to 1; `faults` counts the adapter's by kind.
    """

    prompts: int
    sampled: int
    length_ratio: float
    broken_greedy: float
    broken_greedy_base: float
    broken_sampled: float
    broken_sampled_base: float
    repeated: float
    repeated_base: float
    faults: dict[str, int]


class OfflineReport(_Figures):
    """`n` held-out choices were scored out of `total`; nats per choice, lower is better."""

    n: int = 0
    total: int = 0
    uniform: Score | None = None
    slot: Score | None = None
    base: Score | None = None
    adapter: Score | None = None
    adapter_slot: Score | None = None
    serving: Score | None = None
    serving_name: str | None = None
    pair_accuracy: float | None = None
    chosen_shift: float | None = None
    kl_to_base: float | None = None
    train: TrainFit | None = None
    fitted: Fitted | None = None
    replies: ReplyFigures | None = None
    seconds: float = 0.0
