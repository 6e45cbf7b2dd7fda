"""Labeller: who labels. A person or program by the name that judgements have, a customer by conversation."""

from dataclasses import dataclass

from feedback.actor import Actor

# Of each role; a labeller gets items of their own tier and of those below.
TIERS = {"visitor": 0, "labeller": 1, "agent": 1, "expert": 2, "admin": 2}


@dataclass(frozen=True)
class Labeller:
    key: str
    role: str

    @property
    def tier(self) -> int:
        return TIERS[self.role]


def labeller_of(actor: Actor) -> Labeller:
    return Labeller(actor.key if actor.kind == "visitor" else actor.agent_name(), actor.role)
