"""Says in one sentence what the policy in force will do with tonight's adapter. Pure.

Each case has its sentence here; pages translate it, the command line prints it in English. The limits that an
adapter must pass are not repeated: they are in the policy's file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from feedback.deployment.policy import Policy

NOBODY = "Policy %(policy)s: an adapter that passes tonight is shown to nobody, "
SOME = "Policy %(policy)s: an adapter that passes tonight is shown in %(share)s of conversations, "
PROVEN = "and goes live by itself once %(picks)s picks or more by %(agents)s agents or more prove it better"
# By who sees it first, and by what takes it live.
SENTENCES = {
    ("nobody", "person"): NOBODY + "and serves only when a person promotes it.",
    ("nobody", "two_people"): NOBODY
    + "and serves only when one person has approved it and another promotes it.",
    ("some", "person"): SOME + "and goes live only when a person promotes it.",
    ("some", "two_people"): SOME
    + "and goes live only when one person has approved it and another promotes it.",
    ("some", "picks"): SOME + PROVEN + ".",
    ("some", "picks_and_person"): SOME + PROVEN + " and one person has approved it.",
}


@dataclass(frozen=True)
class Tonight:
    """A sentence of the table above, with its values."""

    text: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return self.text % self.values


def describe_tonight(policy: Policy) -> Tonight:
    share, second_person = policy.canary.share, policy.approval.second_person
    by_picks = policy.canary.go_live and share > 0  # whom nobody sees, nobody picks
    if by_picks:
        way = "picks_and_person" if second_person else "picks"
    else:
        way = "two_people" if second_person else "person"
    values = {
        "policy": policy.name,
        "share": f"{100 * share:g} %",
        "picks": policy.exposure.min_picks,
        "agents": policy.exposure.min_agents,
    }
    return Tonight(SENTENCES["some" if share else "nobody", way], values)
