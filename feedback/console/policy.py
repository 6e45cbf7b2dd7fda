"""The policy in force on the console: its sentence, and whether somebody has to say why it changed."""

from dataclasses import dataclass

from flask_babel import gettext
from sqlmodel import Session

from feedback.deployment.policy_changes import Unexplained, find_unexplained
from feedback.deployment.tonight import foretell
from feedback.web.services import services


@dataclass(frozen=True)
class PolicyLine:
    """`unexplained` is there while nobody has said why the policy changed."""

    sentence: str
    unexplained: Unexplained | None


def read_policy_line(store: Session, *, desk_id: str) -> PolicyLine | None:
    """None where this web has no policy: it runs without a model server."""
    deployer = services().deployer
    if deployer is None:
        return None
    tonight = foretell(deployer.policy)
    return PolicyLine(gettext(tonight.text) % tonight.values, find_unexplained(store, desk_id=desk_id))
