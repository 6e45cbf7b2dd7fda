"""Measures an adapter before anybody sees it: on held-out choices against simple rules, on a general replay
set, and by its replies to fixed prompts and to guard prompts.

Rules: uniform, slot (offsets fitted on train), length (weight of log length fitted on train), base (softmax
of t x mean token log-prob, t fitted on train), adapter (softmax of scale x (log-prob adapter - base), scale
fitted on validation), adapter with slot offsets; and the adapter that serves now. It decides nothing (see
gate.py) and trains nothing. `rejoinder evaluate ADAPTER --json` prints its report.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from feedback.labelling.missed import Missed, write_missed
from trainer.data.choices import Offer, read_offers
from trainer.data.slot_bias import fit_slot_offsets
from trainer.data.tokens import PairTokens, encode_prompt, encode_reply
from trainer.errors import TextRefused
from trainer.evaluation.baselines import (
    EITHER_WAY,
    Array,
    Score,
    find_hit,
    fit_scale,
    length_scores,
    scale_logits,
    score_rule,
    slot_logits,
    uniform_logits,
)
from trainer.evaluation.by_tag import measure_by_tag
from trainer.evaluation.curves import read_curves
from trainer.evaluation.generate import ShareDone
from trainer.evaluation.guards.measure import BrokenGuard, measure_guards
from trainer.evaluation.guards.sets import read_guards
from trainer.evaluation.missed import list_missed
from trainer.evaluation.replay import find_replay, measure_replay
from trainer.evaluation.replies import distinct_prompts, measure_generated_replies, read_fixed_prompts
from trainer.evaluation.report import Fitted, OfflineReport, TrainFit
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Measurement
from trainer.recipes.tag_weights import TagWeights

log = logging.getLogger(__name__)

ADAPTER, SERVING = "adapter", "serving"
KL_OFFERS = 64


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
    template_kwargs: Mapping[str, Any] = MappingProxyType({}),
    threads: int = 2,
    dtype: str = "float32",
    max_length: int = 1024,
    seed: int = 0,
    with_replies: bool = True,
    tag_weights: TagWeights = MappingProxyType({}),
    run_dir: Path | None = None,
    leaves_texts: bool = True,
    on_progress: ShareDone = lambda share: None,
) -> OfflineReport:
    """The report on one adapter: over `choices` (a file) or else the dataset's test split.

    `serving` names the adapter that serves now and its weights, for comparison. `template_kwargs`: the
    template's arguments of new sets. `tag_weights`: of the run's recipe, for figures by tag. Figures that
    need held-out choices are None if there are none, and so are those that need replies if `with_replies` is
    False. `run_dir`: directory of the training run. Its curves are read, and replies that broke a guard, some
    replies of base and adapter to the same prompts and the names of picks that were not predicted are written
    there, with `leaves_texts` and without `choices`: erasure finds such a directory by the run's dataset.
    """
    started = time.monotonic()
    texts_dir = run_dir if leaves_texts and choices is None else None
    guards = read_guards(measurement.guards)
    scorer = Scorer(base, threads=threads, dtype=dtype, template_kwargs=template_kwargs)
    scorer.attach(ADAPTER, adapter_dir)
    if serving is not None:
        scorer.attach(SERVING, serving[1])
    splits = _read_splits(dataset_dir, choices, measurement, scorer, max_length)
    figures: dict[str, object] = {"n": len(splits.test), "total": splits.total}
    if splits.train and splits.validation and splits.test:
        measured, missed = _measure_choices(
            scorer, splits, serving is not None, seed, on_progress, tag_weights
        )
        figures |= measured
        if texts_dir is not None:
            write_missed(texts_dir, missed)
        figures["serving_name"] = serving[0] if serving else None
    on_progress(0.6)
    if run_dir is not None:
        figures["curves"], figures["stages"] = read_curves(run_dir / "progress.jsonl")
    if with_replies:
        replay = find_replay(measurement, distinct_prompts(splits.test))
        figures["replay"] = measure_replay(
            scorer, replay, ADAPTER, measurement, max_length=max_length, seed=seed
        )
        on_progress(0.65)
        prompts = read_fixed_prompts(measurement, splits.test)
        figures["replies"] = measure_generated_replies(
            scorer, prompts, ADAPTER, measurement, seed=seed, run_dir=texts_dir
        )
        on_progress(0.9)
        figures["guards"], broken = measure_guards(scorer, guards, ADAPTER, measurement, seed=seed)
        if texts_dir is not None:
            _write_broken(texts_dir / "guards.jsonl", broken)
    on_progress(1.0)
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
        try:
            rows = _encode(scorer, offer)
        except TextRefused as refused:
            log.info("choice %s is not measured: %s", offer.id, refused)
            return False
        return max(len(row.prompt_ids) + len(row.reply_ids) for row in rows) <= max_length

    return _Splits(
        train=[offer for offer in all_train[: measurement.max_fit_choices] if fits(offer)],
        validation=[offer for offer in validation if fits(offer)],
        test=[offer for offer in test if fits(offer)],
        all_train=all_train,
        total=total,
    )


def _encode(scorer: Scorer, offer: Offer) -> list[PairTokens]:
    prompt = encode_prompt(scorer.tokenizer, offer.prompt, offer.kwargs, offer.day)
    return [PairTokens(prompt, encode_reply(scorer.tokenizer, text)) for text in offer.texts]


def _measure_choices(
    scorer: Scorer, splits: _Splits, has_serving: bool, seed: int, on_progress: ShareDone, weights: TagWeights
) -> tuple[dict[str, object], list[Missed]]:
    """All figures from choices, and the picks that the adapter did not predict. `sums`, `means`: of
    log-probabilities of each reply, an array per offer.
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
        on_progress(0.5 * (number + 1) / len(names))

    a, b = len(splits.train), len(splits.train) + len(splits.validation)
    shift = [tuned - plain for tuned, plain in zip(sums[ADAPTER], sums[None], strict=True)]
    offsets = fit_slot_offsets(splits.all_train)
    fitted = Fitted(
        slot_offsets=[float(offset) for offset in offsets],
        base_scale=fit_scale(splits.train, means[:a]),
        adapter_scale=fit_scale(splits.validation, shift[a:b]),
        adapter_slot_scale=fit_scale(splits.validation, shift[a:b], slot_logits(splits.validation, offsets)),
        length_weight=fit_scale(splits.train, length_scores(splits.train), bounds=EITHER_WAY),
        n_train=a,
        n_validation=b - a,
    )

    def rule(logits: list[Array]) -> Score:
        return score_rule(splits.test, logits, seed=seed)

    slots = slot_logits(splits.test, offsets)
    figures: dict[str, object] = {
        "uniform": rule(uniform_logits(splits.test)),
        "slot": rule(slots),
        "length": rule(scale_logits(fitted.length_weight, length_scores(splits.test))),
        "base": rule(scale_logits(fitted.base_scale, means[b:])),
        "adapter": rule(scale_logits(fitted.adapter_scale, shift[b:])),
        "adapter_slot": rule(scale_logits(fitted.adapter_slot_scale, shift[b:], slots)),
        "fitted": fitted,
        "pair_accuracy": _pair_accuracy(splits.test, shift[b:]),
        "chosen_shift": _mean_picked(splits.test, shift[b:]),
        "kl_to_base": scorer.diverge([row for group in rows[b : b + KL_OFFERS] for row in group], ADAPTER).kl,
        "tags": measure_by_tag(
            splits.test, scale_logits(fitted.adapter_scale, shift[b:]), weights, seed=seed
        ),
        "train": _fit_on_train(splits.train, shift[:a], fitted.adapter_scale),
    }
    if has_serving:
        other = [tuned - plain for tuned, plain in zip(sums[SERVING], sums[None], strict=True)]
        figures["serving"] = rule(scale_logits(fit_scale(splits.validation, other[a:b]), other[b:]))
    return figures, list_missed(splits.test, shift[b:], fitted.adapter_scale)


def _pair_accuracy(offers: Sequence[Offer], scores: Sequence[Array]) -> float:
    """Share of (picked, other) couples in which the picked reply scores higher; equal scores count half."""
    right = [
        0.5 + 0.5 * float(np.sign(row[place] - row[other]))
        for offer, row in zip(offers, scores, strict=True)
        for place in offer.picked
        for other in range(len(row))
        if other not in offer.picked
    ]
    return float(np.mean(right))


def _mean_picked(offers: Sequence[Offer], scores: Sequence[Array]) -> float:
    """Mean log-ratio of what was picked, in nats per reply; far below 0, good replies become unlikely."""
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


def _write_broken(path: Path, broken: Sequence[BrokenGuard]) -> None:
    """Writes the replies that broke guards; the report, which pages show, only names prompts by id."""
    lines = [json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in broken]
    path.write_text("".join(lines), encoding="utf-8")
