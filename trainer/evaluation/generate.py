"""Generates replies of base and adapter to the same prompts: one greedy, and some sampled as in serving."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trainer.data.tokens import PairTokens, encode_prompt
from trainer.errors import TextRefused
from trainer.evaluation.reply_faults import Messages
from trainer.evaluation.scoring import GeneratedReply, Scorer
from trainer.recipes.recipe import Measurement

log = logging.getLogger(__name__)

Asked = TypeVar("Asked")
ShareDone = Callable[[float], None]


@dataclass(frozen=True)
class GeneratedReplies:
    """The replies of one arm: for each prompt a greedy one and several sampled ones."""

    greedy: list[GeneratedReply]
    sampled: list[list[GeneratedReply]]

    @property
    def together(self) -> list[list[GeneratedReply]]:
        """All replies to each prompt, the greedy one first."""
        return [[first, *rest] for first, rest in zip(self.greedy, self.sampled, strict=True)]


def encode_prompts(
    scorer: Scorer, asked: Sequence[Asked], messages_of: Callable[[Asked], Messages]
) -> tuple[list[Asked], list[list[int]]]:
    """What is asked, and its prompts rendered as those of sets. One that the template refuses is left out."""
    kept: list[Asked] = []
    prompts: list[list[int]] = []
    for each in asked:
        messages = messages_of(each)
        try:
            prompts.append(encode_prompt(scorer.tokenizer, messages, scorer.template_kwargs))
        except TextRefused as refused:
            log.warning("the prompt %.200r is not asked: %s", messages[-1]["content"], refused)
            continue
        kept.append(each)
    return kept, prompts


def generate_replies(
    scorer: Scorer,
    prompts: Sequence[Sequence[int]],
    adapter: str | None,
    measurement: Measurement,
    *,
    samples: int,
    seed: int,
) -> GeneratedReplies:
    """Generates the replies of one arm. `adapter` None means the base. `samples` is at least 1."""
    greedy = scorer.generate(prompts, adapter, max_new_tokens=measurement.max_new_tokens)
    sampled = scorer.generate(
        prompts,
        adapter,
        max_new_tokens=measurement.max_new_tokens,
        temperature=measurement.temperature,
        top_p=measurement.top_p,
        samples=samples,
        seed=seed,
    )
    return GeneratedReplies([replies[0] for replies in greedy], sampled)


def as_row(prompt: Sequence[int], reply: GeneratedReply) -> PairTokens:
    """A generated reply as a row to be scored. Only a finished reply has an end, the one it was generated
    with.
    """
    end = [] if reply.end is None else [reply.end]
    return PairTokens(list(prompt), [*reply.token_ids, *end])
