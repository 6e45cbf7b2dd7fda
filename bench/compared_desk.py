"""Who asks and who judges where recipes are compared offline: the demo's customers and agents, or people who
write plain English to the desk of a pretrained base.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.agents import SimulatedAgent
from demo.cast import DEMO_CAST, PLAIN_CAST, Cast
from demo.grammar import Message
from demo.plain_prompts import SYSTEM_PROMPT

AGENTS = 6
Prompts = Sequence[Sequence[Message]]


@dataclass(frozen=True)
class ComparedDesk:
    """A cast, and the system prompt of their desk, if it has one."""

    cast: Cast
    system_prompt: str | None = None

    def draw_prompts(self, n: int, seed: int) -> Prompts:
        """Conversations that each end with a customer's message; equal seeds give equal ones."""
        system = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        return [[*system, *dialogue.messages[:-1]] for dialogue in self.cast.draw_dialogues(n, seed)]

    def make_agents(self, seed: int) -> list[SimulatedAgent]:
        return [self.cast.make_agent(f"agent-{number}", seed * 100 + number) for number in range(AGENTS)]


DEMO_DESK = ComparedDesk(DEMO_CAST)
PLAIN_DESK = ComparedDesk(PLAIN_CAST, SYSTEM_PROMPT)
