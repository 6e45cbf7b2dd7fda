"""Computes, from counted picks, the numbers for decisions and those that are shown beside them.

Imports numpy and scipy through its parts, so the web imports it inside functions only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedback.experiments.adjusted_share import AdjustedShare, adjust_share
from feedback.experiments.cluster_bounds import WithoutAgent, leave_one_out, share_bound
from feedback.experiments.harm_test import weigh_harm
from feedback.experiments.pick_counts import UNKNOWN
from feedback.experiments.picks import CountedPick
from feedback.experiments.rollout_rule import Evidence, RolloutPolicy
from feedback.experiments.tally import Tally
from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.tags.tree import TagTree

NO_TAG = "untagged"
# Counted by the sets that the agent had closed before: learning the desk, settled, an old hand.
EXPERIENCES = ((50, "0-49"), (200, "50-199"))
OLD_HAND = "200+"
WAYS = ("tags", "languages", "intents", "experience", "agents")

# The same picks counted in each of the WAYS, by name. The cells of each way sum to the whole, but for tags: a
# pick stands under each of its tags and those above, once each.
Breakdown = dict[str, dict[str, Tally]]


@dataclass(frozen=True)
class MeasuredPicks:
    """All statistics on the picks of one adapter: those that decide, and those that explain."""

    evidence: Evidence
    adjusted: AdjustedShare | None
    without_agent: list[WithoutAgent]  # the one the win hangs on most comes first
    breakdown: Breakdown
    length_difference: float | None  # mean over counted picks of tuned's log length minus base's


def name_experience(closed: int) -> str:
    return next((name for limit, name in EXPERIENCES if closed < limit), OLD_HAND)


def break_down(picks: Iterable[CountedPick], tree: TagTree) -> Breakdown:
    counts = {way: defaultdict[str, Counter[str]](Counter) for way in WAYS}
    for pick in picks:
        for tag in tree.lift(pick.tags) or (NO_TAG,):
            counts["tags"][tag][pick.won] += 1
        counts["languages"][pick.language or UNKNOWN][pick.won] += 1
        counts["intents"][pick.intent or UNKNOWN][pick.won] += 1
        counts["experience"][name_experience(pick.experience)][pick.won] += 1
        counts["agents"][pick.agent or UNKNOWN][pick.won] += 1
    return {
        way: {name: Tally(won[TUNED], won[BASE], won[BOTH]) for name, won in sorted(cells.items())}
        for way, cells in counts.items()
    }


def measure_picks(
    adapter: str, picks: Iterable[CountedPick], policy: RolloutPolicy, *, tree: TagTree | None = None
) -> MeasuredPicks:
    """Computes the statistics of these picks, which must all be of this adapter. The tree says under which
    tags each counts.
    """
    kept = list(picks)
    breakdown = break_down(kept, tree or TagTree())
    by_agent = {agent: cell for agent, cell in breakdown["agents"].items() if cell.decided}
    won, made = [cell.won for cell in by_agent.values()], [cell.decided for cell in by_agent.values()]
    adjusted = adjust_share(kept)
    evidence = Evidence(
        adapter,
        Tally(sum(won), sum(made) - sum(won), len(kept) - sum(made)),
        agents=len(made),
        e_harm=weigh_harm(zip(won, made, strict=True)),
        share_low=float(share_bound(won, made, confidence=policy.confidence)) if len(made) > 1 else None,
        adjusted=adjusted.share if adjusted else None,
        adjusted_low=adjusted.bound(policy.confidence) if adjusted and len(made) > 1 else None,
    )
    without = leave_one_out(list(by_agent), won, made)
    return MeasuredPicks(evidence, adjusted, without, breakdown, mean_difference(kept))


def mean_difference(picks: Sequence[CountedPick]) -> float | None:
    return sum(pick.length_difference for pick in picks) / len(picks) if picks else None
