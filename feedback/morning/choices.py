"""The sentence about new choices, for when nothing else has to be said. Pure functions."""

from typing import Any

from feedback.morning.facts import MorningFacts
from feedback.morning.said import Action, MorningSentence


def act_on_choices(facts: MorningFacts, *, again: bool = False) -> Action:
    """The action that says when the next night trains; `again` is set after an adapter left service."""
    enough, few = ("learn_again", "collect_again") if again else ("learn_on", "collect_on")
    return Action(enough if is_enough(facts) else few, count_choices(facts))


def say_choices(facts: MorningFacts) -> MorningSentence:
    """The last rule: the base model serves alone, or nothing needs to be said of what serves."""
    ended, counts = facts.ended, count_choices(facts)
    judge, served = Action("judge_more"), {"serves": facts.serves, "counted": facts.learns_from}
    if ended is not None and ended.state == "cancelled":
        return MorningSentence("run_cancelled", Action("run_again"), served)
    if ended is not None and any(reason.get("code") == "no_data" for reason in ended.reasons):
        return MorningSentence("no_choice", Action("see_funnel"))
    if is_enough(facts):
        return MorningSentence("night_comes", Action("nothing"), counts)
    if ended is None:
        return MorningSentence("too_few_first", judge, counts)
    if not facts.new_choices:
        return MorningSentence("nothing_new", judge, served)
    return MorningSentence("too_few", judge, {**counts, **served})


def is_enough(facts: MorningFacts) -> bool:
    return facts.new_choices >= max(1, facts.min_new_choices)


def count_choices(facts: MorningFacts) -> dict[str, Any]:
    needed = max(1, facts.min_new_choices)
    return {"found": facts.new_choices, "needed": needed, "counted": facts.learns_from}
