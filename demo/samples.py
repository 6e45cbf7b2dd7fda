"""Counts broken replies of served models: greedy ones to the fixed prompts, and sampled ones to new prompts.

It asks a running engine with the service's own sampling settings; `demo.grammar.is_broken` decides. Writes
nothing.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from demo.grammar import Message, is_broken
from demo.prompts import FIXED_PROMPTS, fresh_prompts
from serving.client.client import Sampling
from serving.client.fleet import Fleet
from serving.settings import ServingSettings

SEED = 4711
WORKERS = 8


@dataclass(frozen=True)
class Broken:
    """Broken replies: the number of `greedy` ones to fixed prompts, the `share` of sampled ones."""

    greedy: int
    share: float


def count_broken(
    fleet: Fleet, settings: ServingSettings, models: Sequence[str], sampled: int
) -> dict[str, Broken]:
    """Counts for each model a greedy reply to each fixed prompt, and `sampled` replies to new ones."""
    sampling = Sampling.from_settings(settings)
    greedy = replace(sampling, temperature=0.0)
    fresh = fresh_prompts(sampled, SEED)
    found: dict[str, Broken] = {}
    for model in models:
        fixed = count(fleet, settings, model, FIXED_PROMPTS, greedy)
        found[model] = Broken(fixed, count(fleet, settings, model, fresh, sampling) / sampled)
    return found


def count(
    fleet: Fleet,
    settings: ServingSettings,
    model: str,
    prompts: Sequence[Sequence[Message]],
    sampling: Sampling,
) -> int:
    def draw(job: tuple[int, Sequence[Message]]) -> bool:
        number, messages = job
        drawn = fleet.generate(
            model=model,
            messages=[dict(message) for message in messages],
            sampling=sampling,
            seed=SEED + 1000 * number,
            n=1,
            chat_template_kwargs=settings.chat_template_kwargs,
        )
        reply = drawn.replies[0]
        return reply.finish_reason != "stop" or is_broken(reply.text, messages)

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(draw, enumerate(prompts)))
