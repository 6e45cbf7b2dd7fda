"""The sentence about an adapter in service, as far as its picks allow a conclusion. Pure functions."""

import math
from typing import Any

from feedback.experiments.rollout_rule import Rollout, decide_rollout
from feedback.experiments.sequential_tests import FEWEST, HARMED, NO_PROGRESS, NOT_KNOWN
from feedback.experiments.tally import Tally
from feedback.morning.choices import act_on_choices
from feedback.morning.facts import InService, MorningFacts
from feedback.morning.said import Action, MorningSentence
from feedback.store.approvals import Words

DAY_S = 86_400
LEAST_S = DAY_S / 4  # of service, before a pace is told
MANY = 1_000  # picks from which a tenth of a percent is shown
WIN_ACTIONS = {
    "goes_live": "nothing",
    "waits_for_approval": "approve",
    "waits_for_promotion": "promote",
    "waits_for_two": "approve_and_promote",
    "waits_for_second_person": "promote_as_other",
}


def say_harm(facts: MorningFacts) -> MorningSentence | None:
    """Harm that the policy's rule proves, or that is suspected because the interval is below one half."""
    for found in facts.serving:
        values = {"adapter": found.name, **show_picks(found.evidence.tally)}
        if decide_in_service(found, facts).verdict == "roll_back":
            return MorningSentence("harm_proven", Action("roll_back"), values)
        if found.evidence.tally.grade == HARMED:
            return MorningSentence("harm_suspected", Action("watch_harm"), values)
    return None


def say_proven(facts: MorningFacts) -> MorningSentence | None:
    """A canary with enough evidence to go live, and whose decision it waits for."""
    found = facts.canary
    if found is None or decide_in_service(found, facts).verdict != "go_live":
        return None
    code = find_wait(facts, found.words)
    values = {"adapter": found.name, **show_picks(found.evidence.tally), **name_approver(found.words)}
    return MorningSentence(code, Action(WIN_ACTIONS[code], values), values)


def find_wait(facts: MorningFacts, words: Words) -> str:
    by_hand, needs_two = not facts.policy.canary.go_live, facts.policy.approval.second_person
    if not by_hand:
        return "goes_live" if words.approvals or not needs_two else "waits_for_approval"
    if not needs_two or len(words.approvals) > 1:
        return "waits_for_promotion"
    return "waits_for_second_person" if words.approvals else "waits_for_two"


def name_approver(words: Words) -> dict[str, str]:
    return {"actor": words.approvals[0].actor} if words.approvals else {}


def say_canary(facts: MorningFacts) -> MorningSentence | None:
    found = facts.canary
    if found is None:
        return None
    tally, limits = found.evidence.tally, facts.policy.exposure
    named = {"adapter": found.name}
    if not tally.counted:
        begun: dict[str, Any] = {**named, "percent": round(100 * found.share)}
        first = Action("first_picks", {"needed": limits.min_picks})
        if found.before is None:
            return MorningSentence("canary_begun", first, begun)
        return MorningSentence("canary_replaced", first, {**named, "before": found.before})
    if tally.decided < limits.min_picks:
        few = {**named, "picks": tally.decided, "needed": limits.min_picks}
        return MorningSentence("canary_few", Action("first_picks", {"needed": limits.min_picks}), few)
    values = {**named, **show_picks(tally)}
    rollout = decide_in_service(found, facts)
    is_ahead = tally.grade not in (NOT_KNOWN, NO_PROGRESS)
    if rollout.picks_needed == 0:
        return say_hindered(facts, found, rollout, values)
    if rollout.picks_needed is None:
        if is_ahead:
            return MorningSentence("canary_ahead", Action("promote_or_replace"), values)
        return MorningSentence("no_difference", Action("replaced_next"), values)
    action = act_on_picks(facts, found, rollout.picks_needed)
    return MorningSentence("canary_ahead" if is_ahead else "canary_undecided", action, values)


def say_hindered(
    facts: MorningFacts, found: InService, rollout: Rollout, values: dict[str, Any]
) -> MorningSentence:
    """There are enough picks, but one of the bounds, or the number of agents, is too low."""
    missing = {reason.code for reason in rollout.reasons}
    if "agents" in missing:
        counts = {"found": found.evidence.agents, "needed": facts.policy.exposure.min_agents}
        return MorningSentence("too_few_agents", Action("more_agents"), {**values, **counts})
    if not found.is_fitted:
        return MorningSentence("canary_ahead", Action("next_look"), values)
    if "share_low" in missing:
        return MorningSentence("hangs_on_agents", Action("judge_all"), values)
    if "adjusted_low" in missing:
        return MorningSentence("explained_by_style", Action("see_style"), values)
    return MorningSentence("canary_ahead", Action("next_look"), values)


def act_on_picks(facts: MorningFacts, found: InService, missing: int) -> Action:
    """The action to judge on: how many more picks are needed, rounded up to tens, and in how many days at the
    pace so far.
    """
    values = {"missing": 10 * math.ceil(missing / 10)}
    served = (facts.at - found.since).total_seconds()
    if served < LEAST_S or found.evidence.tally.decided < FEWEST:
        return Action("judge_on", values)
    days = math.ceil(missing * served / found.evidence.tally.decided / DAY_S)
    return Action("judge_on_day", values) if days == 1 else Action("judge_on_days", {**values, "days": days})


def say_live(facts: MorningFacts) -> MorningSentence | None:
    found = facts.live
    if found is None:
        return None
    values, effect = {"adapter": found.name, **show_picks(found.evidence.tally)}, found.evidence.tally.grade
    if found.evidence.tally.counted < FEWEST:
        return MorningSentence("live_few", act_on_choices(facts), {"adapter": found.name})
    if effect in (NOT_KNOWN, NO_PROGRESS):
        code = "live_unknown" if effect == NOT_KNOWN else "live_no_difference"
        return MorningSentence(code, act_on_choices(facts), values)
    is_new = (facts.at - found.since).total_seconds() < DAY_S
    if is_new and found.actor in ("scheduler", "trainer"):
        return MorningSentence("went_live", Action("stays_live"), values)
    return MorningSentence("live_better", act_on_choices(facts), values)


def decide_in_service(found: InService, facts: MorningFacts) -> Rollout:
    return decide_rollout(found.evidence, facts.policy.exposure)


def show_picks(tally: Tally) -> dict[str, Any]:
    """The support rate with its interval in percent, rounded as on every page."""
    digits = None if tally.counted < MANY else 1
    shares = dict(zip(("share", "low", "high"), (tally.rate or 0.0, *tally.interval), strict=True))
    return {"picks": tally.counted, **{name: round(100 * share, digits) for name, share in shares.items()}}
