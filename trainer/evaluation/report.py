"""What an evaluation found, as it is stored with the run, printed as JSON and read by the gate.

A missing figure is None. The gate takes it for missing evidence, never for good news.
"""

from pydantic import BaseModel, ConfigDict

from trainer.evaluation.baselines import Score


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Fitted(_Figures):
    """The fitted numbers of the rules, on train; the adapters' scales, on validation."""

    slot_offsets: list[float]
    base_scale: float
    adapter_scale: float
    adapter_slot_scale: float
    length_weight: float = 0.0
    n_train: int
    n_validation: int


class TrainFit(_Figures):
    """How well the adapter predicts what it was trained on. If it cannot, the data or the code is wrong."""

    n: int
    accuracy: float
    uniform_accuracy: float
    log_loss: float


class ReplyFigures(_Figures):
    """Replies to fixed prompts, adapter against base. Shares are 0 to 1.

    `faults` counts the adapter's broken replies by kind. Of greedy replies, against base's: `edit_distance`
    (mean, 0 to 1), `same` (share of equal ones) and `surprise` (excess negative log-likelihood:
    nats per token that base finds them less likely than its own). Of all replies: `copied` (mean share that
    is copied from the customer) and `wrong_language` (share); `wrong_languages` counts the adapter's by the
    customer's and the reply's language.
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
    edit_distance: float | None = None
    same: float | None = None
    surprise: float | None = None
    copied: float | None = None
    copied_base: float | None = None
    wrong_language: float | None = None
    wrong_language_base: float | None = None
    wrong_languages: dict[str, int] = {}


class ReplayFigures(_Figures):
    """Figures on the general replay set: `kl` in nats per token, perplexities over the same tokens."""

    name: str
    sha256: str
    rows: int
    tokens: int
    kl: float
    perplexity: float
    perplexity_base: float


class GuardKind(_Figures):
    """Guard prompts of one kind: `replies` of each arm, the shares of them that break a rule, and the ids of
    the prompts where the adapter breaks more than base.
    """

    prompts: int
    replies: int
    broken: float
    broken_base: float
    worst: list[str]


class GuardFigures(_Figures):
    """Guard prompts by kind. `sets`: the sha256 of each set by its name."""

    sets: dict[str, str]
    kinds: dict[str, GuardKind]


class Curve(_Figures):
    """A loss over the steps of training."""

    first: float
    best: float
    best_step: int
    last: float
    last_step: int


class Curves(_Figures):
    """Both losses of a run over its steps; None if nothing was held out, or if there was no step."""

    loss: Curve | None
    held_out_loss: Curve | None


class StageCurves(Curves):
    """The losses of one stage over the steps of the run."""

    stage: int


class TagFigures(_Figures):
    """The held-out choices of a tag that the recipe weighs, and of what lies below it: `n` choices of
    `conversations`. `gain`: nats per choice by which the adapter predicts picks better than a blind guess,
    with its interval; None without choices, and the interval below two conversations.
    """

    weight: float
    n: int
    conversations: int
    uniform: float | None = None
    adapter: float | None = None
    gain: float | None = None
    gain_ci95: tuple[float, float] | None = None


class OfflineReport(_Figures):
    """The report on one adapter. `n` of `total` held-out choices were scored, in nats per choice; lower is
    better.

    `curves`: of the last stage, where the training had several. `kl_to_base`: nats per token on the replies
    of those choices; the `kl` of `replay` is on general texts.
    """

    n: int = 0
    total: int = 0
    uniform: Score | None = None
    slot: Score | None = None
    length: Score | None = None
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
    tags: dict[str, TagFigures] = {}
    curves: Curves | None = None
    stages: list[StageCurves] = []
    replay: ReplayFigures | None = None
    replies: ReplyFigures | None = None
    guards: GuardFigures | None = None
    seconds: float = 0.0
