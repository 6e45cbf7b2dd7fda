"""Chooses the advice for a desk from its facts. Pure functions: the first rule that returns something wins.

The order is: nothing there, what training cannot or need not do, what is good already, too little, training.
"""

from collections.abc import Callable
from typing import Any

from feedback.advice.facts import (
    EDITED,
    FAILS,
    FEWEST_EDITS,
    FEWEST_JUDGED,
    FORM_ALONE,
    KNOWS_NOTHING,
    NEAR_LIMIT,
    NEW_TASK,
    NO_GAIN,
    ORDINARY,
    PLACE,
    RARE_TAG,
    WITHIN,
    DeskFacts,
    low_end,
    picks_within,
)
from feedback.advice.said import Advice, AdviceSentence
from feedback.advice.words import FORMS
from feedback.morning.in_service import show_picks

Rule = Callable[[DeskFacts], Advice | None]

PROMPT = "rejoinder init --system-prompt FILE"
TRAIN = "rejoinder train --now"
SFT = f"{TRAIN} --recipe lora_sft"
OWN_RECIPE = f"{TRAIN} --recipe FILE"
IMPORT = "rejoinder import FILE"
REWRITES = "rejoinder task add NAME --kind rewrite"
ADD_COMPARISON = "rejoinder task add NAME --kind compare"
STATUS = "rejoinder status"
TREND = 3  # runs that a trend takes


def advise_desk(facts: DeskFacts) -> Advice:
    for rule in RULES:
        found = rule(facts)
        if found is not None:
            return found
    return tell(facts, "nothing", STATUS, AdviceSentence("nothing_new", show_choices(facts)))


def tell(facts: DeskFacts, what: str, command: str, *said: AdviceSentence) -> Advice:
    return Advice(what, said, list_desk_figures(facts), command)


def advise_begin(facts: DeskFacts) -> Advice | None:
    if facts.closed or facts.kinds.get("none") or facts.usable or facts.texts:
        return None
    if facts.thumbs:
        return tell(
            facts, "collect", ADD_COMPARISON, AdviceSentence("thumbs_alone", {"thumbs": facts.thumbs})
        )
    return tell(facts, "collect", IMPORT, AdviceSentence("begin"))


def advise_texts(facts: DeskFacts) -> Advice | None:
    """Where the base cannot do the task, picks are between bad replies: people's texts come first."""
    code, failures, judged = facts.failures
    low = low_end(failures, judged)
    if judged < FEWEST_JUDGED or low <= FAILS:
        return None
    needed = NEW_TASK if low > KNOWS_NOTHING else ORDINARY
    why = AdviceSentence(code, {"failed": percent(failures, judged), "failures": failures, "judged": judged})
    values = {"texts": facts.texts, "needed": needed}
    if facts.texts >= needed:
        return tell(facts, "sft", SFT, why, AdviceSentence("run_sft", values))
    collect = AdviceSentence("collect_texts", {**values, "missing": needed - facts.texts})
    return tell(facts, "collect", REWRITES, why, collect, *name_rare_tag(facts))


def advise_prompt(facts: DeskFacts) -> Advice | None:
    """Where edits change the form alone and examples are few, a sentence in the prompt does it."""
    form = sum(facts.forms.values())
    is_form = facts.edits >= FEWEST_EDITS and low_end(form, facts.edits) > FORM_ALONE
    if not is_form or facts.kinds.get("edit", 0) < EDITED * facts.closed or facts.usable >= ORDINARY:
        return None
    most = max(FORMS, key=lambda kind: facts.forms.get(kind, 0))
    values = {"form": form, "edits": facts.edits, "reason": FORMS[most]}
    return tell(
        facts, "prompt", PROMPT, AdviceSentence("change_prompt", values), AdviceSentence("prompt_needs")
    )


def advise_places(facts: DeskFacts) -> Advice | None:
    places = facts.places
    chance = places.fair / places.picks if places.picks else 1.0
    limit = PLACE * chance / (1 - chance + PLACE * chance)  # half of picks among four cards, 75 % of two
    if places.picks < FEWEST_JUDGED or low_end(places.first, places.picks) <= limit:
        return None
    values = {
        "first": percent(places.first, places.picks),
        "picks": places.picks,
        "fair": round(100 * chance),
    }
    return tell(facts, "collect", STATUS, AdviceSentence("follows_place", values))


def advise_rest(facts: DeskFacts) -> Advice | None:
    """Nothing to do: what is live is better than the base, and more of the same brings nothing now."""
    served = facts.served
    if served is None or not facts.is_better:
        return None
    values = {"adapter": served.name, **show_picks(served.tally)}
    if facts.fresh < facts.min_fresh:
        waits = {"fresh": facts.fresh, "needed": facts.min_fresh}
        return tell(facts, "nothing", STATUS, AdviceSentence("good_and_waiting", {**values, **waits}))
    gains = [run.gain for run in facts.runs[-2:] if run.gain is not None]
    if len(gains) == 2 and gains[1] - gains[0] < NO_GAIN:
        return tell(facts, "nothing", STATUS, AdviceSentence("good_and_steady", values))
    return None


def advise_choices(facts: DeskFacts) -> Advice | None:
    if facts.usable >= ORDINARY:
        return None
    values = {"usable": facts.usable, "needed": ORDINARY, "missing": ORDINARY - facts.usable}
    said = [AdviceSentence("collect_choices", values), *name_rare_tag(facts)]
    if facts.fresh >= facts.min_fresh:
        said.append(AdviceSentence("nights_go_on"))
    return tell(facts, "collect", ADD_COMPARISON, *said)


def advise_slower(facts: DeskFacts) -> Advice | None:
    """There is enough to train on, and each run so far has cost general ability."""
    drifts = [run.replay_kl for run in facts.runs[-TREND:] if run.replay_kl is not None]
    rises = len(drifts) == TREND and drifts[0] < drifts[1] < drifts[2]
    if not rises or drifts[-1] < NEAR_LIMIT * facts.max_replay_kl:
        return None
    names = ("first", "second", "third")
    values = {name: round(value, 3) for name, value in zip(names, drifts, strict=True)}
    falls = AdviceSentence("replay_falls", {**values, "limit": facts.max_replay_kl})
    return tell(facts, "dpo", OWN_RECIPE, AdviceSentence("train_on_choices", show_choices(facts)), falls)


def advise_training(facts: DeskFacts) -> Advice | None:
    if facts.fresh < facts.min_fresh:
        return None
    return tell(facts, "dpo", TRAIN, AdviceSentence("train_on_choices", show_choices(facts)))


def name_rare_tag(facts: DeskFacts) -> list[AdviceSentence]:
    """The tag with the fewest usable records, among those that are not rare, where it has too few."""
    most = max((rows for rows, _ in facts.tags.values()), default=0)
    known = {tag: usable for tag, (rows, usable) in facts.tags.items() if rows >= RARE_TAG * most}
    tag = min(known, key=lambda name: (known[name], name), default=None)
    needed = picks_within(WITHIN)
    if tag is None or known[tag] >= needed:
        return []
    return [
        AdviceSentence("fewest_of_tag", {"tag": tag, "found": known[tag], "missing": needed - known[tag]})
    ]


def show_choices(facts: DeskFacts) -> dict[str, Any]:
    return {"usable": facts.usable, "fresh": facts.fresh, "needed": facts.min_fresh}


def percent(part: float, whole: float) -> int:
    return round(100 * part / whole) if whole else 0


def list_desk_figures(facts: DeskFacts) -> dict[str, Any]:
    """The figures that the rules went by, whatever they came to."""
    _code, failures, judged = facts.failures
    last = facts.runs[-1] if facts.runs else None
    return {
        "judged": facts.closed + facts.kinds.get("none", 0),
        **{kind: facts.kinds.get(kind, 0) for kind in ("pick", "edit", "own", "tie", "none")},
        "failed_percent": percent(failures, judged),
        "edits_read": facts.edits,
        "form_edits": sum(facts.forms.values()),
        "usable": facts.usable,
        "fresh": facts.fresh,
        "texts": facts.texts,
        "thumbs": facts.thumbs,
        "first_place_percent": percent(facts.places.first, facts.places.picks),
        "by_chance_percent": percent(facts.places.fair, facts.places.picks),
        "support_percent": percent(facts.served.tally.halved, facts.served.tally.counted)
        if facts.served
        else None,
        "last_gain": last.gain if last else None,
        "last_replay_kl": last.replay_kl if last else None,
    }


RULES: tuple[Rule, ...] = (
    advise_begin,
    advise_texts,
    advise_prompt,
    advise_places,
    advise_rest,
    advise_choices,
    advise_slower,
    advise_training,
)
