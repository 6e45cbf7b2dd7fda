"""Draws replies of base and adapter to the same prompts: one greedy, and some sampled as in serving."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainer.data.tokens import PairTokens, encode_prompt
from trainer.evaluation.reply_faults import Messages
from trainer.evaluation.scoring import DrawnReply, Scorer
from trainer.recipes.recipe import Measurement

ShareDone = Callable[[float], None]


@dataclass(frozen=True)
class Draws:
    """The replies of one arm: for each prompt a greedy one and several sampled ones."""

    greedy: list[DrawnReply]
    sampled: list[list[DrawnReply]]

    @property
    def together(self) -> list[list[DrawnReply]]:
        """All replies to each prompt, the greedy one first."""
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
    """Draws the replies of one arm. `adapter` None means the base. `samples` is at least 1."""
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
    """A drawn reply as a row to be scored. Only a finished reply ends with EOS."""
    end = [scorer.tokenizer.eos_token_id] if reply.finished else []
    return PairTokens(list(prompt), [*reply.token_ids, *end])
