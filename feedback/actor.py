"""Who acts: the person, program or customer behind a call or a page. Knows no Flask and no store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from feedback.errors import NotPermitted

VISITOR_PREFIX = "rj_visitor_"  # of a customer's token


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` says how they came in, `role` what they may do."""

    kind: Literal["token", "operator", "visitor"]
    role: str  # app | agent | expert | admin | visitor
    desk_id: str
    name: str
    operator_id: str | None = None
    conversation_id: str | None = None  # visitors: the one they belong to
    language: str | None = None
    is_stranger: bool = False  # a visitor whose conversation no app opened

    @property
    def key(self) -> str:
        """One stable word for the event log: the same person or program has the same key tomorrow."""
        if self.kind == "visitor":
            return f"visitor:{self.conversation_id}"
        return f"operator:{self.operator_id}" if self.operator_id else f"token:{self.name}"

    def agent_name(self, named: str | None = None) -> str:
        """The annotator that stands on claims and judgements. Only programs (and admins) may act for
        another.
        """
        if named is not None and self.role not in ("app", "admin"):
            raise NotPermitted(f"{self.role} acting for another agent", ("app", "admin"))
        if named is not None or self.role == "app":
            return f"app:{named or self.name}"
        return self.operator_id or f"token:{self.name}"

    def may(self, roles: Iterable[str]) -> bool:
        """Admins may do everything, experts whatever agents may."""
        allowed = set(roles)
        return self.role in allowed or self.role == "admin" or (self.role == "expert" and "agent" in allowed)
