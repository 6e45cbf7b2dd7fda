"""The policy in force, on the console: its summary in a sentence, and whether its change still needs a
reason.
"""

from dataclasses import dataclass

from flask_babel import gettext
from sqlmodel import Session

from feedback.deployment.policy_changes import Unexplained, find_unexplained
from feedback.deployment.tonight import describe_tonight
from feedback.web.services import services


@dataclass(frozen=True)
class PolicyLine:
    """`unexplained` is set as long as nobody has given a reason for the policy change."""

    sentence: str
    unexplained: Unexplained | None


def read_policy_line(store: Session, *, desk_id: str) -> PolicyLine | None:
    """The policy line, or None if this web runs without a model server and so has no policy."""
    deployer = services().deployer
    if deployer is None:
        return None
    tonight = describe_tonight(deployer.policy)
    return PolicyLine(gettext(tonight.text) % tonight.values, find_unexplained(store, desk_id=desk_id))
