"""What a policy asks of an adapter's expert score before it goes live. One that is missing is refused like a
bad one.
"""

import math

from sqlmodel import Session

from feedback.deployment.policy import Policy
from feedback.experiments.rollout_rule import Reason
from feedback.labelling.adapter_scores import read_scores


def find_low_score(session: Session, policy: Policy, *, desk_id: str, adapter: str) -> Reason | None:
    """Why the expert score forbids going live; None where it does not, or the policy asks for none."""
    limit = policy.approval.min_expert_score
    if limit == -math.inf:
        return None
    low = read_scores(session, desk_id=desk_id, adapter=adapter).whole.low
    if low is not None and low >= limit:
        return None
    return Reason("expert_score", "lower bound of how much better experts rate its replies", low, limit)
