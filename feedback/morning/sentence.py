"""Chooses the one sentence from the facts. Pure functions: the first rule that returns something wins.

The order is: what is broken, what waits for a person, what is under way, the news of the night, the general
state.
"""

from collections.abc import Callable
from typing import Any

from feedback.morning.choices import act_on_choices, say_choices
from feedback.morning.facts import How, MorningFacts
from feedback.morning.in_service import name_approver, say_canary, say_harm, say_live, say_proven, show_picks
from feedback.morning.refusal import say_refused
from feedback.morning.run import say_failed, say_going, say_stuck
from feedback.morning.said import Action, MorningSentence
from feedback.store.approvals import Words

Rule = Callable[[MorningFacts], MorningSentence | None]

NOT_PUBLISHED = "not_published"
LEFT: dict[How, str] = {
    "harm": "rolled_back_for_harm",
    "person": "rolled_back_by_person",
    "veto": "vetoed",
    "undecided": "left_undecided",
}


def say(facts: MorningFacts) -> MorningSentence:
    for rule in RULES:
        said = rule(facts)
        if said is not None:
            return said
    return say_choices(facts)


def say_missing(facts: MorningFacts) -> MorningSentence | None:
    """An adapter that should serve but does not."""
    for found in facts.serving:
        if found.name in facts.lost:
            named = {"adapter": found.name}
            return MorningSentence("adapter_lost", Action("restore_files", named), named)
        if found.name in facts.missing:
            return MorningSentence("base_stands_in", Action("read_engine_log"), {"adapter": found.name})
    return None


def say_empty(facts: MorningFacts) -> MorningSentence | None:
    began = facts.going, facts.ended, facts.left, *facts.serving
    if facts.has_records or any(found is not None for found in began):
        return None
    return MorningSentence("nothing_yet", Action("begin"))


def say_left(facts: MorningFacts) -> MorningSentence | None:
    """An adapter that left service, as long as no later run has trained another one."""
    left, trained = facts.left, facts.trained
    if left is None or (trained is not None and trained.finished_at and trained.finished_at > left.at):
        return None
    values: dict[str, Any] = {"adapter": left.name, "serves": facts.serves}
    if left.how in ("harm", "undecided"):
        values |= show_picks(left.evidence.tally)
    else:
        values["actor"] = left.actor
    return MorningSentence(LEFT[left.how], act_on_choices(facts, again=True), values)


def say_passed(facts: MorningFacts) -> MorningSentence | None:
    found = facts.passed
    if found is None:
        return None
    named: dict[str, Any] = {"adapter": found.name}
    if found.words.vetoes:
        values = {**named, "actor": found.words.vetoes[-1].actor, "serves": facts.serves}
        return MorningSentence("vetoed", act_on_choices(facts, again=True), values)
    reasons = facts.trained.reasons if facts.trained is not None else []
    if any(reason.get("code") == NOT_PUBLISHED for reason in reasons):
        return MorningSentence("no_engine", Action("start_engine", named), named)
    is_shown = facts.policy.canary.share > 0
    code = "passed_unserved" if is_shown else "passed_unshown"
    values = {**named, **name_approver(found.words)}
    return MorningSentence(code, Action(find_promotion(facts, found.words, is_shown=is_shown), values), named)


def find_promotion(facts: MorningFacts, words: Words, *, is_shown: bool) -> str:
    """The code of the action that puts a passed adapter into service: who may promote it, or raise the share
    of conversations it gets if that share is 0.
    """
    if not facts.policy.approval.second_person or len(words.approvals) > 1:
        return "promote" if is_shown else "show_or_promote"
    if words.approvals:
        return "promote_as_other" if is_shown else "show_or_promote_as_other"
    return "approve_and_promote" if is_shown else "show_or_approve"


RULES: tuple[Rule, ...] = (
    say_stuck,
    say_missing,
    say_empty,
    say_harm,
    say_proven,
    say_going,
    say_failed,
    say_left,
    say_passed,
    say_refused,
    say_canary,
    say_live,
)
