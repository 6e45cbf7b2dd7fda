"""`probe.json`: a few prompts with replies and the trainer's own log-probability per token, with and without
the adapter.

Serving scores them again after loading and compares, so that no adapter serves that computes something else
than what was trained. They are scored in the number format that serving uses.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.files import write_atomically
from trainer.data.tokens import PairTokens
from trainer.evaluation.generate import encode_prompts
from trainer.evaluation.reply_faults import Messages
from trainer.evaluation.scoring import Scorer

PROBE_TOKENS = 32  # per reply: enough to tell adapters apart, in a fraction of a second on a CPU
NAME = "probe"


def write_probe(
    target: Path,
    adapter_dir: Path,
    base: Path,
    base_id: str,
    prompts: Sequence[Messages],
    *,
    prompts_from: str,
    dtype: str,
    threads: int,
    template_kwargs: Mapping[str, Any],
) -> Path:
    """Writes greedy replies of the adapter to `prompts`, scored by adapter and base; returns `target`.

    `prompts_from` says where the prompts come from: an erasure needs it
    (`serving.adapters.probe.may_hold_messages`).
    """
    scorer = Scorer(base, threads=threads, dtype=dtype, template_kwargs=template_kwargs)
    scorer.attach(NAME, adapter_dir)
    _, ids = encode_prompts(scorer, prompts, lambda messages: messages)
    generated = scorer.generate(ids, NAME, max_new_tokens=PROBE_TOKENS)
    rows = [
        PairTokens(prompt, scorer.chat.end_reply(list(replies[0].token_ids)))
        for prompt, replies in zip(ids, generated, strict=True)
    ]
    scored = zip(rows, scorer.score(rows, NAME), scorer.score(rows), strict=True)
    record = {
        "base_id": base_id,
        "dtype": dtype,
        "prompts_from": prompts_from,
        "prompts": [
            {
                "prompt_token_ids": row.prompt_ids,
                "reply_token_ids": row.reply_ids,
                "adapter_logprobs": [round(float(value), 6) for value in tuned],
                "base_logprobs": [round(float(value), 6) for value in plain],
            }
            for row, tuned, plain in scored
        ],
    }
    write_atomically(target, json.dumps(record).encode() + b"\n")
    return target
