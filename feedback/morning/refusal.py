"""The sentence about a refused adapter: why the gate refused it, and what helps. Pure functions.

Of several reasons it names the gate's first one, since the gate lists the clearest failures first.
Over-fitting comes before all others, missing evidence and missing measurements come last.
"""

from collections.abc import Mapping
from typing import Any

from feedback.morning.facts import MorningFacts
from feedback.morning.reasons import REASONS
from feedback.morning.said import Action, MorningSentence
from feedback.store.tables import Run

Reason = Mapping[str, Any]

# What helps against each reason. Keys of the recipe, as docs/training.md explains them.
REMEDIES = {
    "cannot_fit": "check_data",
    "worse_than_uniform": "more_data",
    "worse_than_slot": "more_data",
    "worse_than_length": "more_data",
    "no_change": "warm_up",
    "wrong_language": "look_at_picks",
    "copies_customer": "look_at_picks",
    "flatters": "look_at_picks",
    "gives_in": "look_at_picks",
    "gives_personal_data": "look_at_picks",
    "makes_up_links": "look_at_picks",
    "drifted": "cool_down",
    "forgot": "cool_down",
    "perplexity_grew": "cool_down",
    "implausible": "cool_down",
    "broken_greedy": "cool_down",
    "broken_sampled": "cool_down",
    "too_short": "hold_length",
    "too_long": "hold_length",
    "repeats_itself": "keep_variety",
    "worse_than_serving": "keep_serving",
}
UNMEASURED = ("no_replies", "no_replay", "no_guards")
HELD_OUT_SHARE = 10  # one conversation in so many is in the test split
FEWEST_HELD_OUT = 10  # choices below which no loss on them is worth a word
FITS = 0.05  # of accuracy above a blind guess, on what it was trained on


def say_refused(facts: MorningFacts) -> MorningSentence | None:
    """The sentence about a refused adapter, if the refusal is the latest event or no adapter serves."""
    run = facts.trained
    if run is None or run.decision != "refused" or not run.reasons:
        return None
    is_last = facts.ended is not None and facts.ended.id == run.id
    if not is_last and facts.serving:
        return None
    named = {"adapter": run.adapter, "run": run.id, "serves": facts.serves}
    over_fit = find_over_fit(run)
    if over_fit is not None:
        return MorningSentence("over_fit", Action("train_less"), {**named, **over_fit})
    return say_reason(min(run.reasons, key=rank), named)


def rank(reason: Reason) -> int:
    """The sort key of a reason, lower first. `min` keeps the gate's order among equal ranks."""
    return 2 if is_unmeasured(reason) else 1 if reason.get("code") == "no_evidence" else 0


def is_unmeasured(reason: Reason) -> bool:
    return reason.get("code") in UNMEASURED or str(reason.get("text", "")).startswith("not measured")


def say_reason(reason: Reason, named: dict[str, Any]) -> MorningSentence:
    code, value, limit = str(reason.get("code")), reason.get("value"), reason.get("limit")
    words = REASONS.get(code) or str(reason.get("text") or code)
    if is_unmeasured(reason):
        return MorningSentence("not_measured", Action("measure"), {**named, "reason": words})
    if code == "no_evidence":
        found, needed = int(value or 0), int(limit or 0)
        more = Action("hold_out_more", {"choices": HELD_OUT_SHARE * (needed - found)})
        return MorningSentence("too_little_evidence", more, {**named, "found": found, "needed": needed})
    told = {**named, "reason": words, "value": value, "limit": limit}
    return MorningSentence("refused", Action(REMEDIES.get(code, "see_reason")), told)


def find_over_fit(run: Run) -> dict[str, Any] | None:
    """The figures of over-fitting, or None: the adapter predicts its training choices, but its loss on
    held-out choices is above the base model's. More evidence would not help.
    """
    report = run.report or {}
    own, base, train = (report.get(name) or {} for name in ("adapter", "base", "train"))
    count = int(report.get("n") or 0)
    if not own or not base or not train or count < FEWEST_HELD_OUT:
        return None
    fits = train["accuracy"] >= train["uniform_accuracy"] + FITS
    if not fits or own["log_loss"] <= base["log_loss"]:
        return None
    return {"count": count, "loss": own["log_loss"], "base": base["log_loss"]}
