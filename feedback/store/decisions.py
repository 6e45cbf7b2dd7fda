"""Writes the rows of one decision about what serves: deployments, and the states of the adapters concerned.

The caller owns the transaction and has checked that the decision is permitted (`feedback.deployment.deploy`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from feedback.store import adapters, approvals, deployments
from feedback.store.deployments import CANARY, LIVE, serving_state
from feedback.store.tables import Adapter


@dataclass(frozen=True)
class NewDecision:
    session: Session
    desk_id: str
    actor: str
    reason: str
    now: datetime
    run_id: str | None = None

    def point(self, role: str, name: str, share: float) -> int:
        """Makes a role serve this adapter and retires the one before it. Returns the fencing token."""
        before = serving_state(self.session, desk_id=self.desk_id)
        fencing_token = self._deploy(role, name, share)
        if role == LIVE and before.canary is not None:
            fencing_token = self._deploy(CANARY, None)
        replaced = (before.live, before.canary) if role == LIVE else (before.canary,)
        for other in replaced:
            if other is not None and other != name:
                self._move(other, "retired", f"replaced by {name}")
        self._move(name, role, self.reason)
        return fencing_token

    def restore(self, role: str, from_: str, *, is_on_disk: Callable[[str], bool]) -> int:
        """Makes a role serve what it served before the adapter `from_`, which becomes rolled back."""
        to = self._find_previous(role, from_, is_on_disk)
        fencing_token = self._deploy(role, to)
        self._move(from_, "rolled_back", self.reason)
        if to is not None:
            self._move(to, role, f"restored after {from_}")
        return fencing_token

    def retire(self, role: str, from_: str) -> int:
        """Makes a role serve no adapter. The one that served is retired and may be brought back by hand."""
        fencing_token = self._deploy(role, None)
        self._move(from_, "retired", self.reason)
        return fencing_token

    def serve_base(self) -> int:
        """Makes base alone serve: the adapters in service retire. Returns the fencing token."""
        before = serving_state(self.session, desk_id=self.desk_id)
        if before.canary is not None:
            self.retire(CANARY, before.canary)
        if before.live is None:
            return self._deploy(LIVE, None)
        return self.retire(LIVE, before.live)

    def may_serve(self, adapter: Adapter, *, is_on_disk: Callable[[str], bool]) -> bool:
        """Whether nothing forbids that it serves again: its state, an erasure, a veto, lost files."""
        return (
            adapter.state in adapters.RESTORABLE
            and adapters.find_erased_at(self.session, adapter=adapter) is None
            and not approvals.read_words(self.session, desk_id=self.desk_id, adapter=adapter.name).vetoes
            and is_on_disk(adapter.name)
        )

    def _find_previous(self, role: str, from_: str, is_on_disk: Callable[[str], bool]) -> str | None:
        """The newest adapter before it that may serve again; None means the base."""
        left = adapters.get_adapter(self.session, desk_id=self.desk_id, name=from_)
        for row in deployments.list_deployments(self.session, desk_id=self.desk_id, role=role):
            if row.adapter is None:
                return None
            adapter = adapters.get_adapter(self.session, desk_id=self.desk_id, name=row.adapter)
            if (
                adapter.name != from_
                and adapter.base_id == left.base_id
                and self.may_serve(adapter, is_on_disk=is_on_disk)
            ):
                return adapter.name
        return None

    def _deploy(self, role: str, adapter: str | None, share: float = 1.0) -> int:
        return deployments.add_deployment(
            self.session,
            desk_id=self.desk_id,
            role=role,
            adapter=adapter,
            share=share,
            run_id=self.run_id,
            actor=self.actor,
            reason=self.reason,
            now=self.now,
        )

    def _move(self, name: str, to_state: str, reason: str) -> None:
        adapters.move_adapter(
            self.session,
            desk_id=self.desk_id,
            name=name,
            to_state=to_state,
            reason=reason,
            actor=self.actor,
            now=self.now,
        )
