"""The offline gate: a report and a policy in, `passed` or `refused` with named reasons out. Pure.

Every limit that is missed is a reason, each with its value and limit; a figure that is missing is a reason,
too: no evidence means refused. Whether people prefer the adapter is not decided here but by exposure.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from trainer.baselines import Score
from trainer.recipe import GatePolicy
from trainer.report import OfflineReport


@dataclass(frozen=True)
class Reason:
    """Why an adapter was refused: `value` missed `limit`."""

    code: str
    text: str
    value: float | None
    limit: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Decision:
    verdict: Literal["passed", "refused"]
    reasons: tuple[Reason, ...]


def decide(report: OfflineReport, policy: GatePolicy) -> Decision:
    reasons = tuple(
        reason for reason in (*_judge_choices(report, policy), *_judge_replies(report, policy)) if reason
    )
    return Decision("refused" if reasons else "passed", reasons)


def _judge_choices(report: OfflineReport, policy: GatePolicy) -> list[Reason | None]:
    if report.n < policy.min_choices:
        return [Reason("no_evidence", "too few held-out choices to measure it", report.n, policy.min_choices)]
    loss, train = _nats(report.adapter), report.train
    chance = _plus(_nats(report.uniform), policy.max_log_loss_over_uniform)
    fit = train.accuracy if train else None
    least = _plus(train.uniform_accuracy if train else None, policy.min_train_accuracy_over_uniform)
    reasons = [
        _above("worse_than_uniform", "foresees held-out picks worse than chance", loss, chance),
        _above("drifted", "left the base too far (KL per token)", report.kl_to_base, policy.max_kl_to_base),
        _below(
            "cannot_fit", "does not foresee the picks it was trained on: data or code is wrong", fit, least
        ),
    ]
    if policy.max_log_loss_over_slot is not None:
        limit = _plus(_nats(report.slot), policy.max_log_loss_over_slot)
        with_slot = _nats(report.adapter_slot)
        reasons.append(_above("worse_than_slot", "adds nothing to knowing the slot", with_slot, limit))
    if report.serving is not None:
        limit = report.serving.log_loss + policy.max_log_loss_over_serving
        reasons.append(_above("worse_than_serving", "foresees picks worse than what serves now", loss, limit))
    return reasons


def _judge_replies(report: OfflineReport, policy: GatePolicy) -> list[Reason | None]:
    replies = report.replies
    if replies is None:
        return [Reason("no_replies", "no replies to fixed prompts were measured", None, 1)]
    sampled = replies.broken_sampled_base + policy.max_broken_sampled_over_base
    repeated = replies.repeated_base + policy.max_repeated_over_base
    # A base that breaks greedy replies itself would block every night for ever: its own share is allowed.
    greedy = max(policy.max_broken_greedy, replies.broken_greedy_base)
    ratio = replies.length_ratio
    return [
        _below("too_short", "replies shrank against base", ratio, policy.min_length_ratio),
        _above("too_long", "replies grew against base", ratio, policy.max_length_ratio),
        _above("broken_greedy", "broken greedy replies to fixed prompts", replies.broken_greedy, greedy),
        _above("broken_sampled", "more broken sampled replies than base", replies.broken_sampled, sampled),
        _above("repeats_itself", "two draws are one text more often than base's", replies.repeated, repeated),
    ]


def _nats(score: Score | None) -> float | None:
    return score.log_loss if score else None


def _plus(value: float | None, margin: float) -> float | None:
    return None if value is None else value + margin


def _above(code: str, text: str, value: float | None, limit: float | None) -> Reason | None:
    if value is None or limit is None:
        return Reason(code, f"not measured: {text}", value, limit or 0.0)
    return (
        Reason(code, text, round(value, 4), round(limit, 4)) if not value <= limit else None
    )  # a NaN is refused


def _below(code: str, text: str, value: float | None, limit: float | None) -> Reason | None:
    if value is None or limit is None:
        return Reason(code, f"not measured: {text}", value, limit or 0.0)
    return Reason(code, text, round(value, 4), round(limit, 4)) if not value >= limit else None
