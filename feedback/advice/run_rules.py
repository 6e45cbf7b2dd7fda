"""What is wrong with a run, each finding with its figure and what to change in the recipe. Pure functions.

Unlike the advice for a desk all findings are told: a run may be over-fit and its replies shrink, too.
"""

from collections.abc import Callable
from typing import Any

from feedback.advice.run_facts import RunFacts
from feedback.advice.said import Advice, AdviceSentence

ROSE = 0.05  # rise of the training loss from which on the rate is too high
STILL = 0.01  # change of it below which the run stayed where it was
NEAR_BASE = 1e-3  # nats a token from the base, below which nothing was learnt
OVER = 0.02  # rise of the held-out loss from its best to its last, from which on a run is over-fit
FALLING = -0.02  # its change between the last two checks below which it still falls
SHORT = 0.85  # of the base's length, below which replies shrink; the gate refuses later
MORE_EPOCHS = 2
FEWEST_STEPS = 10  # below so many steps neither the rate nor an end that still falls says anything

Finding = tuple[str, AdviceSentence]  # what is found, and its sentence
Rule = Callable[[RunFacts], Finding | None]


def advise_run(facts: RunFacts) -> Advice:
    found = [finding for rule in RULES if (finding := rule(facts)) is not None]
    if not facts.is_trained:
        return Advice(
            "nothing_trained",
            (AdviceSentence("nothing_trained"),),
            list_run_figures(facts),
            "rejoinder report",
        )
    if not found:
        return Advice("sound", (say_sound(facts),), list_run_figures(facts), "rejoinder advise")
    what = found[0][0]
    said = tuple(sentence for _, sentence in found)
    return Advice(what, said, list_run_figures(facts), "rejoinder train --now --recipe FILE")


def find_high_rate(facts: RunFacts) -> Finding | None:
    rate = facts.keys["rate"]
    if facts.diverged:
        return "rate_too_high", AdviceSentence("diverged", {"rate": rate})
    if facts.loss and change_share(facts.loss[0], facts.loss[-1]) > ROSE:
        return "rate_too_high", AdviceSentence("loss_rose", {**show_ends(facts), "rate": rate})
    distance = facts.kl_to_base
    if distance is not None and distance > facts.max_kl_to_base:
        values = {"distance": round(distance, 3), "limit": facts.max_kl_to_base, "rate": rate}
        return "rate_too_high", AdviceSentence(name_for(facts, "left_base"), values)
    return None


def find_low_rate(facts: RunFacts) -> Finding | None:
    """The run stayed where it began, in its loss and in its replies."""
    if facts.steps < FEWEST_STEPS or abs(change_share(facts.loss[0], facts.loss[-1])) > STILL:
        return None
    if facts.kl_to_base is not None and facts.kl_to_base >= NEAR_BASE:
        return None
    return "rate_too_low", AdviceSentence("hardly_moved", {**show_ends(facts), "rate": facts.keys["rate"]})


def find_over_fitting(facts: RunFacts) -> Finding | None:
    """The held-out loss turned while the training loss went on falling; else the adapter predicts what it was
    trained on and held-out choices worse than the base.
    """
    if len(facts.held_out) > 1 and len(facts.loss) > 1:
        best_step, best = found = min(facts.held_out, key=lambda point: point[1])
        steps, last = facts.held_out[-1]
        if change_share(found, facts.held_out[-1]) > OVER and facts.loss[-1][1] < facts.loss[0][1]:
            values = {
                "best_step": best_step,
                "steps": steps,
                "best": to_four_digits(best),
                "last": to_four_digits(last),
                "loss": to_four_digits(facts.loss[-1][1]),
                "epochs": show_epochs(facts.epochs * best_step / steps),
                "epochs_now": show_epochs(facts.epochs),
                "min_steps": facts.keys["min_steps"],
            }
            has_floor = (facts.keys["min_steps"] or 0) > best_step
            return "over_fit", AdviceSentence("over_fit_floor" if has_floor else "over_fit", values)
    return ("over_fit", AdviceSentence("over_fit_choices", facts.over_fit)) if facts.over_fit else None


def find_under_fitting(facts: RunFacts) -> Finding | None:
    """There was hardly a step; or the last held-out check is the best one and far below the one before."""
    if facts.loss and facts.steps < FEWEST_STEPS:
        return "under_fit", AdviceSentence("few_steps", {"steps": facts.steps, "needed": FEWEST_STEPS})
    if len(facts.held_out) < 2 or find_low_rate(facts) is not None:
        return None
    (_, before), (_, last) = facts.held_out[-2:]
    is_best = last == min(value for _, value in facts.held_out)
    if not is_best or change_share(*facts.held_out[-2:]) > FALLING:
        return None
    values = {
        "before": to_four_digits(before),
        "last": to_four_digits(last),
        "epochs": show_epochs(MORE_EPOCHS * facts.epochs),
        "epochs_now": show_epochs(facts.epochs),
    }
    return "under_fit", AdviceSentence("under_fit", values)


def find_shrinking(facts: RunFacts) -> Finding | None:
    ratio = facts.length_ratio
    if ratio is None or ratio >= SHORT:
        return None
    return "replies_shrink", AdviceSentence(name_for(facts, "shrinking"), {"length": round(100 * ratio)})


def change_share(first: tuple[int, float], last: tuple[int, float]) -> float:
    """How much a loss rose from one point to another, as a share of the first; below 0 it fell."""
    return (last[1] - first[1]) / abs(first[1]) if first[1] else 0.0


def say_sound(facts: RunFacts) -> AdviceSentence:
    if not facts.held_out:
        return AdviceSentence("sound_unmeasured")
    first, last = facts.held_out[0][1], facts.held_out[-1][1]
    return AdviceSentence("sound", {"first": to_four_digits(first), "last": to_four_digits(last)})


def name_for(facts: RunFacts, code: str) -> str:
    """The sentence for this objective: fine-tuning on texts has no `beta` that holds it to the base."""
    return f"{code}_sft" if (facts.recipe or {}).get("objective") == "sft" else code


def show_ends(facts: RunFacts) -> dict[str, Any]:
    return {"first": to_four_digits(facts.loss[0][1]), "last": to_four_digits(facts.loss[-1][1])}


def to_four_digits(value: float) -> float:
    return float(f"{value:.4g}")


def show_epochs(epochs: float) -> float:
    return max(0.1, round(epochs, 1))


def list_run_figures(facts: RunFacts) -> dict[str, Any]:
    """The figures that the rules went by, whatever they came to."""
    best = min(facts.held_out, key=lambda point: point[1], default=None)
    return {
        "run": facts.id,
        "loss_first": to_four_digits(facts.loss[0][1]) if facts.loss else None,
        "loss_last": to_four_digits(facts.loss[-1][1]) if facts.loss else None,
        "held_out_best": to_four_digits(best[1]) if best else None,
        "held_out_best_step": best[0] if best else None,
        "held_out_last": to_four_digits(facts.held_out[-1][1]) if facts.held_out else None,
        "kl_to_base": facts.kl_to_base,
        "length_ratio": facts.length_ratio,
        "learning_rate": facts.keys["rate"],
        "epochs": show_epochs(facts.epochs),
    }


RULES: tuple[Rule, ...] = (
    find_high_rate,
    find_low_rate,
    find_over_fitting,
    find_under_fitting,
    find_shrinking,
)
