"""The words of the morning: for each code a sentence and what to do, and what a support rate allows to
conclude.

The English text is the key of the translations: pages translate it, calls and commands use it as it is.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton

from feedback.morning import drift_words

ENGLISH = Locale("en")


class Sentence(NamedTuple):
    """A text with its `tone`: bad, warn (a person is needed), on (under way), good, or empty."""

    tone: str
    text: str


PICKS = "%(share)s %% of %(picks)s picks (%(low)s to %(high)s %%)"
ON = "%(serves)s goes on serving."
NOW = "%(serves)s serves now."
PROVEN = f"%(adapter)s is proven better than the base, with {PICKS}"
NO_TRAINER = "the trainer does not run."

SENTENCES = {
    "nothing_yet": Sentence("", "Nothing has come in yet, so there is nothing to learn from."),
    # What is broken
    "night_missed": Sentence("bad", f"The night of %(due)s did not begin: {NO_TRAINER}"),
    "run_unclaimed": Sentence("bad", f"A run has waited since %(since)s and nobody takes it: {NO_TRAINER}"),
    "run_abandoned": Sentence(
        "bad", f"A run stopped at the step “%(step)s” and nobody continues it: {NO_TRAINER}"
    ),
    "base_stands_in": Sentence("bad", "The model server cannot load %(adapter)s: the base stands in for it."),
    "adapter_lost": Sentence("bad", "The files of %(adapter)s are gone: the base stands in for it."),
    # Harm
    "harm_proven": Sentence(
        "bad", f"%(adapter)s is proven worse than the base, with {PICKS}, and still serves."
    ),
    "harm_suspected": Sentence(
        "warn", f"%(adapter)s looks worse than the base, though that is not proven: {PICKS}."
    ),
    # Proven, and what it waits for
    "goes_live": Sentence("good", f"{PROVEN}, and goes live at the next nightly analysis."),
    "waits_for_approval": Sentence("warn", f"{PROVEN}; it goes live once a person approves it."),
    "waits_for_promotion": Sentence("warn", f"{PROVEN}; the policy leaves it to a person to take it live."),
    "waits_for_two": Sentence(
        "warn", f"{PROVEN}; to take it live, one person approves it and another one promotes it."
    ),
    "waits_for_second_person": Sentence(
        "warn", f"{PROVEN}; %(actor)s approved it, and somebody else has to promote it."
    ),
    # A run
    "run_waits": Sentence("on", "A run waits for the worker to take it."),
    "run_goes_on": Sentence("on", "A run is under way: step “%(step)s”, %(progress)s %% of it done."),
    "run_continued": Sentence(
        "on", "A run was interrupted and goes on where it was: step “%(step)s”, %(progress)s %% of it done."
    ),
    "run_interrupted": Sentence(
        "warn", "A run was interrupted at the step “%(step)s”; the worker takes it up again by itself."
    ),
    "run_killed": Sentence(
        "bad", f"The last run failed: its worker was killed %(times)s times at the step “%(step)s”; {ON}"
    ),
    "run_failed": Sentence("bad", f"The last run failed at the step “%(step)s”; {ON}"),
    "run_cancelled": Sentence("", f"Somebody ended the last run; {ON}"),
    # What left service
    "rolled_back_for_harm": Sentence(
        "bad", f"%(adapter)s was rolled back, since agents preferred the base: it got {PICKS}; {NOW}"
    ),
    "rolled_back_by_person": Sentence("warn", f"%(actor)s rolled %(adapter)s back; {NOW}"),
    "vetoed": Sentence("warn", f"%(actor)s vetoed %(adapter)s; {NOW}"),
    "left_undecided": Sentence("", f"%(adapter)s was retired undecided, with {PICKS}; {NOW}"),
    # Passed, and seen by nobody
    "no_engine": Sentence("warn", "%(adapter)s passed, but no model server ran to take it."),
    "passed_unshown": Sentence(
        "warn", "%(adapter)s passed every limit and nobody sees it: the policy gives the canary no share."
    ),
    "passed_unserved": Sentence("warn", "%(adapter)s passed every limit and serves nobody."),
    # Refused
    "over_fit": Sentence(
        "warn",
        "%(adapter)s was refused, it is over-fit: it predicts what it was trained on, but %(count)s held-out "
        f"choices worse than the base does (%(loss)s against %(base)s nats); {ON}",
    ),
    "too_little_evidence": Sentence(
        "warn",
        "%(adapter)s was refused for want of evidence: %(found)s of at least %(needed)s held-out choices; "
        f"{ON}",
    ),
    "not_measured": Sentence(
        "warn", f"%(adapter)s was refused, since not all was measured: “%(reason)s”; {ON}"
    ),
    "refused": Sentence("warn", f"%(adapter)s was refused: “%(reason)s” (%(value)s, limit %(limit)s); {ON}"),
    # The canary
    "canary_begun": Sentence(
        "on",
        "%(adapter)s has begun as canary for %(percent)s %% of conversations; nobody has picked between it "
        "and the base yet.",
    ),
    "canary_replaced": Sentence(
        "on",
        "%(adapter)s took the place of %(before)s, which was undecided; nobody has picked between it and the "
        "base yet.",
    ),
    "canary_few": Sentence(
        "on",
        "Whether %(adapter)s is better than the base is not known yet: %(picks)s of at least %(needed)s "
        "picks.",
    ),
    "canary_undecided": Sentence(
        "on", f"Whether %(adapter)s is better than the base is not known yet: {PICKS}."
    ),
    "canary_ahead": Sentence("on", f"%(adapter)s is ahead of the base, though not proven better: {PICKS}."),
    "no_difference": Sentence("", f"%(adapter)s shows no visible difference from the base: {PICKS}."),
    "too_few_agents": Sentence(
        "on",
        f"%(adapter)s is ahead of the base, with {PICKS}, but %(found)s of at least %(needed)s agents "
        "picked.",
    ),
    "hangs_on_agents": Sentence(
        "on", f"%(adapter)s is ahead of the base, with {PICKS}, but the win hangs on few agents."
    ),
    "explained_by_style": Sentence(
        "on", f"%(adapter)s is ahead of the base, with {PICKS}, but place, length or style may explain it."
    ),
    # Live
    "went_live": Sentence("good", f"%(adapter)s went live on evidence: {PICKS}."),
    "live_better": Sentence("good", f"%(adapter)s is live and better than the base: {PICKS}."),
    "live_no_difference": Sentence(
        "", f"%(adapter)s is live and shows no visible difference from the base: {PICKS}."
    ),
    "live_unknown": Sentence(
        "", f"%(adapter)s is live; whether it is better than the base is not known yet: {PICKS}."
    ),
    "live_few": Sentence("", "%(adapter)s is live; hardly anybody has picked between it and the base yet."),
    # The base alone, or nothing new
    "night_comes": Sentence("on", "%(found)s new %(counted)s have come in: the next night trains on them."),
    "too_few_first": Sentence(
        "",
        "Nothing was trained yet: %(found)s of the %(needed)s %(counted)s that a night needs have come in.",
    ),
    "too_few": Sentence(
        "",
        "The last night trained nothing, for want of %(counted)s: %(found)s of %(needed)s have come in; "
        f"{ON}",
    ),
    "nothing_new": Sentence("", f"No new %(counted)s have come in since the last training; {ON}"),
    "no_choice": Sentence("warn", "The last run found nothing to learn from: no judgement makes a choice."),
    # Beside the one sentence
    **{code: Sentence(*said) for code, said in drift_words.SENTENCES.items()},
}
ACTIONS = {
    "nothing": "Nothing needs to be done.",
    "wait": "Nothing needs to be done: its page shows how far it is.",
    "begin": "Judge suggestions in the workbench, or import records.",
    "start_trainer": "`rejoinder up` starts it and catches up; `rejoinder doctor` says what would fail.",
    "read_engine_log": "`logs/up.log` says why; `rejoinder rollback` serves what was before it.",
    "restore_files": "Put `adapters/%(adapter)s` back from a backup, or serve what was before it: `rejoinder "
    "rollback`.",
    "roll_back": "The trainer takes it out within a minute; if it does not: `rejoinder rollback`.",
    "watch_harm": "Read on its page what agents preferred. Proven harm takes it out by itself, `rejoinder "
    "rollback` does at once.",
    "approve": "Read some of its replies, then approve or veto it on its page.",
    "promote": "`rejoinder promote %(adapter)s`, or promote it on its page.",
    "approve_and_promote": "One person approves it on its page, another one promotes it there.",
    "promote_as_other": "Somebody other than %(actor)s promotes it on its page.",
    "give_memory": "That mostly is want of memory: lower `row_tokens` or `max_length` in the recipe, or give "
    "the machine more; then `rejoinder train --now`.",
    "follow_error": "Its error says what to do: %(remedy)s",
    "read_log": "The error was not expected: `runs/%(run)s/log.txt` holds it. The next night tries again.",
    "run_again": "`rejoinder train --now` runs it again; the next night does so anyway.",
    "learn_again": "Its page says why. The next night trains another one on %(found)s new %(counted)s.",
    "collect_again": "Its page says why. The next night trains another one at %(needed)s new %(counted)s; "
    "%(found)s have come in.",
    "start_engine": "Start one, then `rejoinder promote %(adapter)s`.",
    "show_or_promote": "`rejoinder promote %(adapter)s`, or give the canary a share in the policy.",
    "show_or_approve": "One person approves it and another one promotes it, or give the canary a share "
    "in the policy.",
    "show_or_promote_as_other": "Somebody other than %(actor)s promotes it, or give the canary a share in "
    "the policy.",
    "train_less": "More choices help most; otherwise train fewer `epochs`, or lower `learning_rate` in the "
    "recipe.",
    "hold_out_more": "About %(choices)s more choices bring the missing ones: one conversation in ten is held "
    "out.",
    "measure": "Name what is missing in the recipe's `measurement`: `fixed_prompts`, `replay`, `guards`.",
    "check_data": "Look at the dataset's pairs, or raise `learning_rate` in the recipe.",
    "more_data": "Picks are few or noisy: collect more choices before more `epochs` in the recipe.",
    "cool_down": "Lower `learning_rate` in the recipe, or raise `beta` or `nll_weight`.",
    "warm_up": "Raise `learning_rate` or `epochs` in the recipe, and look at its curves.",
    "look_at_picks": "It may do what people picked or wrote: read `guards.jsonl` of the run, and the picks "
    "it was trained on.",
    "hold_length": "Raise `beta` in the recipe, or allow the length in the policy if that is what people "
    "picked.",
    "keep_variety": "Raise `beta` in the recipe, or train fewer `epochs`.",
    "keep_serving": "Nothing needs to be done: what serves predicts picks better and stays.",
    "see_reason": "See its value and limit in the report.",
    "first_picks": "Let agents judge: it takes %(needed)s picks at least.",
    "judge_on": "Let agents judge: about %(missing)s more picks decide, if its share stays.",
    "judge_on_day": "Let agents judge: about %(missing)s more picks decide, if its share stays; a day at "
    "the present pace.",
    "judge_on_days": "Let agents judge: about %(missing)s more picks decide, if its share stays; some "
    "%(days)s days at the present pace, unless a newer adapter takes its place before.",
    "replaced_next": "Nothing needs to be done: the adapter of the next night takes its place.",
    "promote_or_replace": "The picks until it retires will not prove it. A person may promote it, or the "
    "adapter of the next night takes its place.",
    "more_agents": "Let more agents judge: few may be of one taste.",
    "judge_all": "Let all agents judge; its page shows the share without each of them.",
    "see_style": "Its page shows what sways a pick; more picks may tell these apart.",
    "next_look": "Nothing needs to be done: the next nightly analysis decides.",
    "stays_live": "Nothing needs to be done: it is taken out by itself if it proves worse.",
    "learn_on": "Nothing needs to be done: the next night trains on %(found)s new %(counted)s.",
    "collect_on": "Nothing needs to be done: the next night trains at %(needed)s new %(counted)s; "
    "%(found)s have come in.",
    "judge_more": "Judge suggestions in the workbench, or `rejoinder train --now` trains on what is there.",
    "see_funnel": "The funnel in the console says why.",
    **drift_words.ACTIONS,
}
WORDS = (
    "step",
    "reason",
    "serves",
    "counted",
)  # values that are words of the catalogue, or an adapter's name
# What the interval of a share allows to say; `feedback.experiments.sequential_tests.find_grade`.
EFFECTS = {
    "not_known": "not known yet",
    "harmed": "worse",
    "no_progress": "no visible difference",
    "not_good_enough": "better, but not by enough",
    "success": "a success",
    "marked_success": "a marked success",
}


def fill_sentence(
    text: str,
    values: Mapping[str, Any],
    *,
    translate: Callable[[str], str] = str,
    show_time: Callable[[datetime], str] = lambda at: f"{at:%-d %b %H:%M} UTC",
    locale: Locale = ENGLISH,
) -> str:
    """The text with its values put in; values that are words of the catalogue are translated too."""

    def show(name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return show_time(value)
        if isinstance(value, date):
            return show_day(value, locale)
        if name == "language":
            return language_name(str(value), locale)
        return translate(str(value)) if name in WORDS else show_number(value)

    return translate(text) % {name: show(name, value) for name, value in values.items()}


def show_day(day: date, locale: Locale) -> str:
    """A date such as 24 Nov, in the form of the language."""
    if locale.language == ENGLISH.language:
        return format_date(day, "d MMM", locale=locale)
    return format_skeleton("MMMd", day, locale=locale)


def language_name(code: str, locale: Locale) -> str:
    """The language's name in the reader's language; the code itself if it has no name."""
    try:
        return Locale.parse(code, sep="-").get_language_name(locale) or code
    except (UnknownLocaleError, ValueError):
        return code


def show_number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
