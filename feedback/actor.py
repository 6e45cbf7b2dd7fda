"""Actor: the person, program or customer behind a call or a page. Independent of Flask and the store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from feedback.errors import NotPermitted

LABELLER = "labeller"
VISITOR_PREFIX = "rj_visitor_"  # a customer's token begins with this


@dataclass(frozen=True)
class Actor:
    """The authenticated caller: `kind` says how they signed in, `role` what they are allowed to do."""

    kind: Literal["token", "user", "visitor"]
    role: str  # app | labeller | agent | expert | admin | visitor
    desk_id: str
    name: str
    user_id: str | None = None
    conversation_id: str | None = None  # for a visitor, the conversation of the token
    language: str | None = None
    is_stranger: bool = False  # a visitor whose conversation no app opened

    @property
    def key(self) -> str:
        """A stable name for the event log: the same person or program always has the same key."""
        if self.kind == "visitor":
            return f"visitor:{self.conversation_id}"
        return f"user:{self.user_id}" if self.user_id else f"token:{self.name}"

    def agent_name(self, named: str | None = None) -> str:
        """The agent's name that is stored with claims and judgements. Only apps and admins may act for
        another agent.
        """
        if named is not None and self.role not in ("app", "admin"):
            raise NotPermitted(f"{self.role} acting for another agent", ("app", "admin"))
        if named is not None or self.role == "app":
            return f"app:{named or self.name}"
        return self.user_id or f"token:{self.name}"

    def may(self, roles: Iterable[str]) -> bool:
        """Whether the actor may do what these roles may. An admin may do everything, an expert whatever an
        agent may, who may whatever a labeller may.
        """
        allowed = set(roles)
        people = (LABELLER, "agent", "expert")
        below = people[: people.index(self.role)] if self.role in people else ()
        return self.role in allowed or self.role == "admin" or not allowed.isdisjoint(below)
