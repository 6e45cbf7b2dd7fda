"""An adapter measured before anybody sees it: held-out choices against simple rules, and its replies to fixed
prompts.

Rules: uniform, slot (offsets fitted on train), base (softmax of t x mean token log-prob, t fitted on train),
adapter (softmax of scale x (log-prob adapter - base), scale fitted on validation), adapter with slot offsets;
and the adapter that serves now. It decides nothing (see gate.py) and trains nothing. `rejoinder evaluate
ADAPTER --json` prints its report.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from feedback.blind import normalise
from trainer.baselines import (
    Array,
    Score,
    find_hit,
    fit_scale,
    fit_slot_offsets,
    scale_logits,
    score_rule,
    slot_logits,
    uniform_logits,
)
from trainer.broken import Messages, find_fault, load_named
from trainer.offers import Offer, read_offers
from trainer.recipe import Measurement
from trainer.report import Fitted, OfflineReport, ReplyFigures, TrainFit
from trainer.scoring import Drawn, Scorer
from trainer.tokens import Row, encode_prompt, encode_reply

ADAPTER, SERVING = "adapter", "serving"
KL_OFFERS = 64
ShareDone = Callable[[float], None]


@dataclass(frozen=True)
class _Splits:
    train: list[Offer]
    validation: list[Offer]
    test: list[Offer]
    all_train: list[Offer]  # for the slot rule, which needs no model and takes every row
    total: int


def evaluate_adapter(
    adapter_dir: Path,
    dataset_dir: Path,
    base: Path,
    measurement: Measurement,
    *,
    choices: Path | None = None,
    serving: tuple[str, Path] | None = None,
    threads: int = 2,
    dtype: str = "float32",
    max_length: int = 1024,
    seed: int = 0,
    with_replies: bool = True,
    on_progress: ShareDone = lambda share: None,
) -> OfflineReport:
    """The report on one adapter: over `choices` (a file) or else the dataset's test split.

    `serving` names the adapter that serves now and its weights, for comparison. Without held-out choices the
    figures that need them are None.
    """
    started = time.monotonic()
    scorer = Scorer(base, threads=threads, dtype=dtype)
    scorer.attach(ADAPTER, adapter_dir)
    if serving is not None:
        scorer.attach(SERVING, serving[1])
    splits = _read_splits(dataset_dir, choices, measurement, scorer, max_length)
    figures: dict[str, object] = {"n": len(splits.test), "total": splits.total}
    if splits.train and splits.validation and splits.test:
        figures |= _measure_choices(scorer, splits, serving is not None, seed, on_progress)
        figures["serving_name"] = serving[0] if serving else None
    on_progress(0.7)
    if with_replies:
        figures["replies"] = _measure_replies(scorer, splits.test, measurement, seed, on_progress)
    return OfflineReport.model_validate(figures | {"seconds": round(time.monotonic() - started, 2)})


def _read_splits(
    dataset_dir: Path, choices: Path | None, measurement: Measurement, scorer: Scorer, max_length: int
) -> _Splits:
    all_train, _ = read_offers(dataset_dir, "train")
    validation, _ = read_offers(dataset_dir, "validation", limit=measurement.max_fit_choices)
    test, total = read_offers(
        choices or dataset_dir, None if choices else "test", limit=measurement.max_choices
    )

    def fits(offer: Offer) -> bool:
        return max(len(row.prompt_ids) + len(row.reply_ids) for row in _encode(scorer, offer)) <= max_length

    return _Splits(
        train=[offer for offer in all_train[: measurement.max_fit_choices] if fits(offer)],
        validation=[offer for offer in validation if fits(offer)],
        test=[offer for offer in test if fits(offer)],
        all_train=all_train,
        total=total,
    )


def _encode(scorer: Scorer, offer: Offer) -> list[Row]:
    prompt = encode_prompt(scorer.tokenizer, offer.prompt, offer.kwargs)
    return [Row(prompt, encode_reply(scorer.tokenizer, text)) for text in offer.texts]


def _measure_choices(
    scorer: Scorer, splits: _Splits, has_serving: bool, seed: int, on_progress: ShareDone
) -> dict[str, object]:
    """All figures that come from choices.

    `sums` are total log-probs, `means` per token, one array per offer.
    """
    offers = [*splits.train, *splits.validation, *splits.test]
    rows = [_encode(scorer, offer) for offer in offers]
    flat = [row for group in rows for row in group]
    cuts = np.cumsum([len(group) for group in rows])[:-1]
    names = [None, ADAPTER, *([SERVING] if has_serving else [])]
    sums: dict[str | None, list[Array]] = {}
    for number, name in enumerate(names):
        scored = scorer.score(flat, name)
        sums[name] = np.split(np.array([values.sum(dtype=np.float64) for values in scored]), cuts)
        if name is None:
            means = np.split(np.array([values.mean(dtype=np.float64) for values in scored]), cuts)
        on_progress(0.6 * (number + 1) / len(names))

    a, b = len(splits.train), len(splits.train) + len(splits.validation)
    shift = [tuned - plain for tuned, plain in zip(sums[ADAPTER], sums[None], strict=True)]
    offsets = fit_slot_offsets(splits.all_train)
    fitted = Fitted(
        slot_offsets=[float(offset) for offset in offsets],
        base_scale=fit_scale(splits.train, means[:a]),
        adapter_scale=fit_scale(splits.validation, shift[a:b]),
        adapter_slot_scale=fit_scale(splits.validation, shift[a:b], slot_logits(splits.validation, offsets)),
        n_train=a,
        n_validation=b - a,
    )

    def rule(logits: list[Array]) -> Score:
        return score_rule(splits.test, logits, seed=seed)

    slots = slot_logits(splits.test, offsets)
    figures: dict[str, object] = {
        "uniform": rule(uniform_logits(splits.test)),
        "slot": rule(slots),
        "base": rule(scale_logits(fitted.base_scale, means[b:])),
        "adapter": rule(scale_logits(fitted.adapter_scale, shift[b:])),
        "adapter_slot": rule(scale_logits(fitted.adapter_slot_scale, shift[b:], slots)),
        "fitted": fitted,
        "pair_accuracy": _pair_accuracy(splits.test, shift[b:]),
        "chosen_shift": _mean_picked(splits.test, shift[b:]),
        "kl_to_base": scorer.diverge([row for group in rows[b : b + KL_OFFERS] for row in group], ADAPTER),
        "train": _fit_on_train(splits.train, shift[:a], fitted.adapter_scale),
    }
    if has_serving:
        other = [tuned - plain for tuned, plain in zip(sums[SERVING], sums[None], strict=True)]
        figures["serving"] = rule(scale_logits(fit_scale(splits.validation, other[a:b]), other[b:]))
    return figures


def _pair_accuracy(offers: Sequence[Offer], scores: Sequence[Array]) -> float:
    """Share of (picked, other) couples in the right order; equal scores count half."""
    right = [
        0.5 + 0.5 * float(np.sign(row[place] - row[other]))
        for offer, row in zip(offers, scores, strict=True)
        for place in offer.picked
        for other in range(len(row))
        if other not in offer.picked
    ]
    return float(np.mean(right))


def _mean_picked(offers: Sequence[Offer], scores: Sequence[Array]) -> float:
    """Mean log-ratio of what was picked, in nats per reply: far below 0, the likelihood of good replies is
    draining.
    """
    picked = [row[place] for offer, row in zip(offers, scores, strict=True) for place in offer.picked]
    return float(np.mean(picked))


def _fit_on_train(offers: list[Offer], scores: list[Array], scale: float) -> TrainFit:
    score = score_rule(offers, scale_logits(scale, scores))
    return TrainFit(
        n=len(offers),
        accuracy=float(np.mean([find_hit(offer, row) for offer, row in zip(offers, scores, strict=True)])),
        uniform_accuracy=float(np.mean([len(offer.picked) / len(offer.texts) for offer in offers])),
        log_loss=score.log_loss,
    )


def read_prompts(measurement: Measurement, test: Sequence[Offer]) -> list[Messages]:
    """The recipe's fixed prompts, else distinct prompts of held-out choices."""
    if measurement.fixed_prompts:
        found: list[Messages] = list(load_named(measurement.fixed_prompts))
    else:
        found = list({str(offer.prompt): offer.prompt for offer in test}.values())
    return found[: measurement.max_prompts]


def _measure_replies(
    scorer: Scorer, test: Sequence[Offer], measurement: Measurement, seed: int, on_progress: ShareDone
) -> ReplyFigures | None:
    prompts = read_prompts(measurement, test)
    if not prompts:
        return None
    checker = load_named(measurement.checker) if measurement.checker else None
    ids = [encode_prompt(scorer.tokenizer, messages, {}) for messages in prompts]
    greedy: dict[str | None, list[list[Drawn]]] = {}
    sampled: dict[str | None, list[list[Drawn]]] = {}
    for number, name in enumerate((None, ADAPTER)):
        greedy[name] = scorer.draw(ids, name, max_new_tokens=measurement.max_new_tokens)
        sampled[name] = scorer.draw(
            ids,
            name,
            max_new_tokens=measurement.max_new_tokens,
            temperature=measurement.temperature,
            top_p=measurement.top_p,
            samples=measurement.samples_per_prompt,
            seed=seed,
        )
        on_progress(0.7 + 0.15 * (number + 1))

    def faults(drawn: list[list[Drawn]]) -> list[str | None]:
        return [
            find_fault(reply.text, messages, finished=reply.finished, checker=checker)
            for messages, replies in zip(prompts, drawn, strict=True)
            for reply in replies
        ]

    def length(drawn: list[list[Drawn]]) -> float:
        return float(np.mean([len(reply.token_ids) for replies in drawn for reply in replies]))

    counted = Counter(fault for fault in faults(greedy[ADAPTER]) + faults(sampled[ADAPTER]) if fault)
    return ReplyFigures(
        prompts=len(prompts),
        sampled=len(prompts) * measurement.samples_per_prompt,
        length_ratio=length(greedy[ADAPTER]) / max(length(greedy[None]), 1.0),
        broken_greedy=_share(faults(greedy[ADAPTER])),
        broken_greedy_base=_share(faults(greedy[None])),
        broken_sampled=_share(faults(sampled[ADAPTER])),
        broken_sampled_base=_share(faults(sampled[None])),
        repeated=_repeated_share(sampled[ADAPTER]),
        repeated_base=_repeated_share(sampled[None]),
        faults=dict(counted),
    )


def _share(faults: Sequence[str | None]) -> float:
    return sum(fault is not None for fault in faults) / len(faults)


def _repeated_share(drawn: Sequence[Sequence[Drawn]]) -> float:
    """How often two draws for one prompt are one text, as a set of two would show them."""
    couples = [
        normalise(replies[place].text) == normalise(replies[place + 1].text)
        for replies in drawn
        for place in range(0, len(replies) - 1, 2)
    ]
    return float(np.mean(couples))
