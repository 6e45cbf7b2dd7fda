"""Measures the general replay set, texts on which an adapter should behave like base: KL per token, and
perplexity with the adapter on and off.

The texts are a file that the user names (replay_set.py), or else the prompts of held-out choices with base's
own replies.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from feedback.records.schemas import ChatMessage
from trainer.data.tokens import PairTokens, encode_prompt, encode_reply
from trainer.evaluation.generate import as_row
from trainer.evaluation.replay_set import ReplayLine, ReplaySet, read_replay
from trainer.evaluation.reply_faults import Messages
from trainer.evaluation.report import ReplayFigures
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Measurement

TEST_SPLIT = "test split"


def find_replay(measurement: Measurement, prompts: Sequence[Messages]) -> ReplaySet:
    """The replay set: the recipe's file, or else these prompts of held-out choices; the first `max_replay`
    lines.
    """
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


def _encode(scorer: Scorer, replay: ReplaySet, measurement: Measurement, seed: int) -> list[PairTokens]:
    """The lines as token ids, in order. A line without a reply gets one of base's, sampled as in serving."""
    rows: list[PairTokens] = []
    for line in replay.lines:
        if line.text is not None:
            ids = encode_reply(scorer.tokenizer, line.text)[:-1]  # a text may end anywhere, so it has no EOS
            rows.append(PairTokens(ids[:1], ids[1:]))
        else:
            messages = [message.model_dump() for message in line.messages or ()]
            reply = encode_reply(scorer.tokenizer, line.reply) if line.reply is not None else []
            rows.append(PairTokens(encode_prompt(scorer.tokenizer, messages, {}), reply))
    open_places = [
        place for place, line in enumerate(replay.lines) if line.text is None and line.reply is None
    ]
    prompts = [rows[place].prompt_ids for place in open_places]
    if prompts:
        drawn = scorer.draw(
            prompts,
            None,
            max_new_tokens=measurement.max_new_tokens,
            temperature=measurement.temperature,
            top_p=measurement.top_p,
            seed=seed,
        )
        for place, replies in zip(open_places, drawn, strict=True):
            rows[place] = as_row(scorer, rows[place].prompt_ids, replies[0])
    return rows
