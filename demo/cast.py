"""Who plays in a simulation: how customers write, what agents like, whether customers give thumbs."""

from collections.abc import Callable
from dataclasses import dataclass

from demo.agents import SimulatedAgent
from demo.dialogues import Dialogue
from demo.plain_prompts import draw_english
from demo.plain_taste import PlainAgent
from demo.prompts import fresh_dialogues


@dataclass(frozen=True)
class Cast:
    """`draw_dialogues` takes a number and a seed, `make_agent` a name and a seed."""

    draw_dialogues: Callable[[int, int], list[Dialogue]]
    make_agent: Callable[[str, int], SimulatedAgent]
    thumbs: bool


DEMO_CAST = Cast(fresh_dialogues, lambda name, seed: SimulatedAgent(name, seed=seed), thumbs=True)
PLAIN_CAST = Cast(draw_english, lambda name, seed: PlainAgent(name, seed=seed, noise=0.35), thumbs=False)
"""For any base that speaks English. Without thumbs: this taste is the agents' own."""
