"""Compares replies of adapter and base to fixed prompts: broken, copied, too long, implausible and more."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from feedback.records.text import normalise
from feedback.run_report.replies import write_side_by_side
from trainer.data.choices import Offer
from trainer.evaluation.generate import GeneratedReplies, as_row, encode_prompts, generate_replies
from trainer.evaluation.reply_faults import (
    Checker,
    Messages,
    find_reply_fault,
    find_wrong_language,
    load_named,
)
from trainer.evaluation.report import ReplyFigures
from trainer.evaluation.scoring import GeneratedReply, Scorer
from trainer.evaluation.text_drift import find_copied_share, measure_drift
from trainer.recipes.recipe import Measurement


def read_fixed_prompts(measurement: Measurement, test: Sequence[Offer]) -> list[Messages]:
    """The recipe's fixed prompts, else distinct prompts of held-out choices."""
    if measurement.fixed_prompts:
        found: list[Messages] = list(load_named(measurement.fixed_prompts))
    else:
        found = distinct_prompts(test)
    return found[: measurement.max_prompts]


def distinct_prompts(offers: Sequence[Offer]) -> list[Messages]:
    return list({str(offer.prompt): offer.prompt for offer in offers}.values())


def measure_generated_replies(
    scorer: Scorer,
    prompts: Sequence[Messages],
    adapter: str,
    measurement: Measurement,
    *,
    seed: int,
    run_dir: Path | None = None,
) -> ReplyFigures | None:
    """Generates and measures replies of both arms; leaves some in `run_dir`. None without prompts."""
    prompts, ids = encode_prompts(scorer, prompts, lambda messages: messages)
    if not prompts:
        return None
    checker = load_named(measurement.checker) if measurement.checker else None
    base, tuned = (
        generate_replies(scorer, ids, name, measurement, samples=measurement.samples_per_prompt, seed=seed)
        for name in (None, adapter)
    )
    if run_dir is not None:
        told = [[_show_reply(reply) for reply in arm.greedy] for arm in (base, tuned)]
        write_side_by_side(run_dir, zip(prompts, *told, strict=True))
    drift = measure_drift([each.text for each in base.greedy], [each.text for each in tuned.greedy])
    greedy = [_find_faults(prompts, [[each] for each in arm.greedy], checker) for arm in (base, tuned)]
    sampled = [_find_faults(prompts, arm.sampled, checker) for arm in (base, tuned)]
    languages = [_find_wrong_languages(prompts, arm) for arm in (base, tuned)]
    return ReplyFigures(
        prompts=len(prompts),
        sampled=len(prompts) * measurement.samples_per_prompt,
        length_ratio=_mean_length(tuned.greedy) / max(_mean_length(base.greedy), 1.0),
        broken_greedy=_share(greedy[1]),
        broken_greedy_base=_share(greedy[0]),
        broken_sampled=_share(sampled[1]),
        broken_sampled_base=_share(sampled[0]),
        repeated=_repeated_share(tuned.sampled),
        repeated_base=_repeated_share(base.sampled),
        faults=dict(Counter(fault for fault in greedy[1] + sampled[1] if fault)),
        edit_distance=drift.edit_distance,
        same=drift.same,
        surprise=_compute_excess_nll(scorer, ids, base.greedy, tuned.greedy),
        copied=_mean_copied(prompts, tuned),
        copied_base=_mean_copied(prompts, base),
        wrong_language=_share(languages[1]),
        wrong_language_base=_share(languages[0]),
        wrong_languages=dict(Counter(pair for pair in languages[1] if pair)),
    )


def _show_reply(reply: GeneratedReply) -> str:
    return reply.text if reply.finished else f"{reply.text} …"


def _pair_up(
    prompts: Sequence[Messages], generated: Sequence[Sequence[GeneratedReply]]
) -> Iterator[tuple[Messages, GeneratedReply]]:
    """Each reply with the prompt that it answers."""
    for messages, replies in zip(prompts, generated, strict=True):
        yield from ((messages, reply) for reply in replies)


def _find_faults(
    prompts: Sequence[Messages], generated: Sequence[Sequence[GeneratedReply]], checker: Checker | None
) -> list[str | None]:
    return [
        find_reply_fault(reply.text, messages, finished=reply.finished, checker=checker)
        for messages, reply in _pair_up(prompts, generated)
    ]


def _compute_excess_nll(
    scorer: Scorer,
    ids: Sequence[Sequence[int]],
    base: Sequence[GeneratedReply],
    tuned: Sequence[GeneratedReply],
) -> float:
    """How many more nats per token base needs for the adapter's greedy replies than for its own.

    Word salad lies near ln(vocabulary), in whatever language; no grammar is needed to find it.
    """
    nats: list[float] = []
    for replies in (base, tuned):
        rows = [as_row(prompt, reply) for prompt, reply in zip(ids, replies, strict=True)]
        scored = scorer.score([row for row in rows if row.reply_ids])
        nats.append(-float(np.concatenate(scored).mean(dtype=np.float64)))
    return nats[1] - nats[0]


def _mean_copied(prompts: Sequence[Messages], generated: GeneratedReplies) -> float:
    pairs = _pair_up(prompts, generated.together)
    return float(np.mean([find_copied_share(reply.text, messages) for messages, reply in pairs]))


def _find_wrong_languages(prompts: Sequence[Messages], generated: GeneratedReplies) -> list[str | None]:
    """For each reply, broken ones included, its wrong language, or None."""
    pairs = _pair_up(prompts, generated.together)
    return [find_wrong_language(reply.text, messages) for messages, reply in pairs]


def _mean_length(replies: Sequence[GeneratedReply]) -> float:
    return float(np.mean([len(reply.token_ids) for reply in replies]))


def _share(faults: Sequence[str | None]) -> float:
    return sum(fault is not None for fault in faults) / len(faults)


def _repeated_share(generated: Sequence[Sequence[GeneratedReply]]) -> float:
    """How often two samples for one prompt are the same text, counted over couples as in a set of two
    cards.
    """
    couples = [
        normalise(replies[place].text) == normalise(replies[place + 1].text)
        for replies in generated
        for place in range(0, len(replies) - 1, 2)
    ]
    return float(np.mean(couples))
