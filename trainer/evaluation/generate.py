"""Replies of base and adapter to the same prompts: one greedy, and some as serving samples them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.data.tokens import PairTokens, encode_prompt
from trainer.evaluation.reply_faults import Messages
from trainer.evaluation.scoring import DrawnReply, Scorer
from trainer.recipes.recipe import Measurement

ShareDone = Callable[[float], None]


@dataclass(frozen=True)
class Draws:
    """Of one arm: for each prompt its greedy reply, and its sampled ones."""

    greedy: list[DrawnReply]
    sampled: list[list[DrawnReply]]

    @property
    def together(self) -> list[list[DrawnReply]]:
        """For each prompt all its replies, the greedy one first."""
        return [[first, *rest] for first, rest in zip(self.greedy, self.sampled, strict=True)]


def encode_prompts(scorer: Scorer, prompts: Sequence[Messages]) -> list[list[int]]:
    return [encode_prompt(scorer.tokenizer, messages, {}) for messages in prompts]


def draw_replies(
    scorer: Scorer,
    prompts: Sequence[Sequence[int]],
    adapter: str | None,
    measurement: Measurement,
    *,
    samples: int,
    seed: int,
) -> Draws:
    """`adapter` None: base. At least one sample."""
    greedy = scorer.draw(prompts, adapter, max_new_tokens=measurement.max_new_tokens)
    sampled = scorer.draw(
        prompts,
        adapter,
        max_new_tokens=measurement.max_new_tokens,
        temperature=measurement.temperature,
        top_p=measurement.top_p,
        samples=samples,
        seed=seed,
    )
    return Draws([replies[0] for replies in greedy], sampled)


def as_row(scorer: Scorer, prompt: Sequence[int], reply: DrawnReply) -> PairTokens:
    """A drawn reply to be scored; only a finished one ends with EOS."""
    end = [scorer.tokenizer.eos_token_id] if reply.finished else []
    return PairTokens(list(prompt), [*reply.token_ids, *end])
