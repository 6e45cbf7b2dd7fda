"""Measures the general replay set, texts on which an adapter should behave like base: KL per token, and
perplexity with the adapter on and off.

The texts are a file that the user names (replay_set.py), or else the prompts of held-out choices with base's
own replies.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from feedback.records.schemas import ChatMessage
from trainer.data.tokens import PairTokens, encode_prompt, encode_reply
from trainer.errors import TextRefused
from trainer.evaluation.generate import as_row
from trainer.evaluation.replay_set import ReplayLine, ReplaySet, read_replay
from trainer.evaluation.reply_faults import Messages
from trainer.evaluation.report import ReplayFigures
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Measurement

log = logging.getLogger(__name__)

TEST_SPLIT = "test split"


def find_replay(measurement: Measurement, prompts: Sequence[Messages]) -> ReplaySet:
    """The first `max_replay` lines of the recipe's file, or else of these prompts of held-out choices."""
    found = (
        read_replay(Path(measurement.replay))
        if measurement.replay
        else ReplaySet(
            TEST_SPLIT,
            tuple(ReplayLine(messages=tuple(map(ChatMessage.model_validate, each))) for each in prompts),
            None,
        )
    )
    return ReplaySet(found.name, found.lines[: measurement.max_replay], found.sha256)


def measure_replay(
    scorer: Scorer,
    replay: ReplaySet,
    adapter: str,
    measurement: Measurement,
    *,
    max_length: int,
    seed: int,
) -> ReplayFigures | None:
    """Measures a replay set; None if no line is left. Lines longer than `max_length` tokens are left out."""
    rows = _encode(scorer, replay, measurement, seed)
    rows = [row for row in rows if row.reply_ids and len(row.prompt_ids) + len(row.reply_ids) <= max_length]
    if not rows:
        return None
    canonical = json.dumps([[row.prompt_ids, row.reply_ids] for row in rows], separators=(",", ":"))
    found = scorer.diverge(rows, adapter)
    return ReplayFigures(
        name=replay.name,
        sha256=replay.sha256 or hashlib.sha256(canonical.encode()).hexdigest(),
        rows=len(rows),
        tokens=found.tokens,
        kl=found.kl,
        perplexity=float(np.exp(found.tuned_nats)),
        perplexity_base=float(np.exp(found.base_nats)),
    )


def _encode_line(scorer: Scorer, line: ReplayLine) -> PairTokens:
    if line.text is not None:
        ids = encode_reply(scorer.tokenizer, line.text)[:-1]  # a text may end anywhere, so it has no end
        return PairTokens(ids[:1], ids[1:])
    messages = [message.model_dump() for message in line.messages or ()]
    prompt = encode_prompt(scorer.tokenizer, messages, scorer.template_kwargs)
    return PairTokens(prompt, encode_reply(scorer.tokenizer, line.reply) if line.reply is not None else [])


def _encode(scorer: Scorer, replay: ReplaySet, measurement: Measurement, seed: int) -> list[PairTokens]:
    """The lines as token ids, in order; those that the base cannot read are left out.

    A line without a reply gets one of base's, sampled as in serving.
    """
    rows: list[PairTokens] = []
    open_places: list[int] = []
    for number, line in enumerate(replay.lines, 1):
        try:
            row = _encode_line(scorer, line)
        except TextRefused as refused:
            log.warning("line %d of %s is left out: %s", number, replay.name, refused)
            continue
        if line.text is None and line.reply is None:
            open_places.append(len(rows))
        rows.append(row)
    prompts = [rows[place].prompt_ids for place in open_places]
    if prompts:
        generated = scorer.generate(
            prompts,
            None,
            max_new_tokens=measurement.max_new_tokens,
            temperature=measurement.temperature,
            top_p=measurement.top_p,
            seed=seed,
        )
        for place, replies in zip(open_places, generated, strict=True):
            rows[place] = as_row(rows[place].prompt_ids, replies[0])
    return rows
