"""The panel "Rollout" of an adapter's page: the latest rollout decision, approvals and vetoes, and the
buttons.
"""

from dataclasses import dataclass

from sqlmodel import Session

from feedback.actor import Actor
from feedback.deployment.approvals import name_person
from feedback.store import rollout_decisions
from feedback.store.approvals import Words, read_words
from feedback.store.tables import Adapter, RolloutDecision
from feedback.web.services import services

SPEAKABLE = ("passed", "canary", "live", "retired", "rolled_back")


@dataclass(frozen=True)
class RolloutPanel:
    """`decision` is None before the first evaluation of the picks; `may_veto` and `may_approve` show the
    buttons.
    """

    decision: RolloutDecision | None
    words: Words
    may_approve: bool
    may_veto: bool
    needs_approval: bool


def read_panel(store: Session, adapter: Adapter, *, reader: Actor) -> RolloutPanel:
    name = name_person(store, reader)
    words = read_words(store, desk_id=adapter.desk_id, adapter=adapter.name)
    deployer, may_speak = services().deployer, adapter.state in SPEAKABLE
    approval = deployer.policy.approval if deployer else None
    return RolloutPanel(
        decision=rollout_decisions.find_latest_rollout_decision(
            store, desk_id=adapter.desk_id, adapter=adapter.name
        ),
        words=words,
        may_approve=may_speak and approval is not None and name not in {row.actor for row in words.approvals},
        may_veto=may_speak
        and approval is not None
        and (reader.role == "admin" or approval.expert_veto)
        and name not in {row.actor for row in words.vetoes},
        needs_approval=approval is not None and approval.second_person and not words.approvals,
    )
