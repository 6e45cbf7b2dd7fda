"""Translates codes of the vocabulary into words in the reader's language. An unknown code is shown as it
is.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _

from feedback.morning.reasons import REASONS
from feedback.morning.said import Action, MorningSentence, Values
from feedback.morning.words import ACTIONS, EFFECTS, ENGLISH, SENTENCES, fill_sentence
from feedback.records.rejections import explain
from feedback.web.languages import show_time, translate_known

WORDS = {
    # runs
    "queued": _("queued"),
    "running": _("running"),
    "done": _("done"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
    "skipped": _("skipped"),
    "collect": _("collect"),
    "train": _("train"),
    "evaluate": _("evaluate"),
    "gate": _("gate"),
    "publish": _("publish"),
    "night": _("the nightly schedule"),
    "volume": _("enough new choices"),
    "manual": _("a person"),
    "rebase": _("a new base model"),
    # adapters and deployments
    "trained": _("trained"),
    "refused": _("refused"),
    "passed": _("passed"),
    "canary": _("canary"),
    "live": _("live"),
    "retired": _("retired"),
    "rolled_back": _("rolled back"),
    # decisions on rollout, and what people say
    "hold": _("undecided"),
    "go_live": _("goes live"),
    "roll_back": _("is rolled back"),
    "retire": _("retires undecided"),
    "approve": _("approved"),
    "veto": _("vetoed"),
    # duels
    "drawing": _("being generated"),
    "open": _("open"),
    "closed": _("closed"),
    # imports
    "receiving": _("arriving"),
    "received": _("being looked at"),
    "waiting": _("waits"),
    "interrupted": _("interrupted"),
    "cancelling": _("being cancelled"),
    # suggestion sets
    "preparing": _("being prepared"),
    "ready": _("ready"),
    "judged": _("judged by an agent"),
    "superseded": _("the customer wrote again"),
    "bypassed": _("answered without it"),
    # judgements
    "pick": _("sent as suggested"),
    "edit": _("edited, then sent"),
    "own": _("own text"),
    "tie": _("several equally good"),
    "none": _("none was good"),
    "skip": _("skipped"),
    "undo": _("taken back"),
    # closings
    "no_reply": _("no reply needed"),
    "spam": _("closed as spam"),
    # thumbs
    "up": _("helpful"),
    "down": _("not helpful"),
    # datasets
    "choice": _("choices"),
    "choices": _("choices"),
    # what a dataset was selected by
    "sources": _("sources"),
    "tags": _("tags"),
    "without_tags": _("without the tags"),
    "languages": _("languages"),
    "since": _("since"),
    "difficulty": _("difficulty"),
    "augment": _("made records"),
    "pair": _("pairs"),
    "pairs": _("pairs"),
    "thumb": _("thumbs"),
    "thumbs": _("thumbs"),
    "text": _("texts"),
    "texts": _("texts"),
    "validation": _("validation"),
    "test": _("test"),
    "all": _("all"),
    "agents": _("agents"),
    "conversations": _("conversations"),
    "kinds": _("kinds"),
    # curves
    "loss": _("Loss"),
    "decision_loss": _("Loss on choices"),
    "held_out_loss": _("Loss on held-out choices"),
    "shift": _("Shift of the chosen replies"),
    "margin": _("Margin of chosen over rejected"),
    "accuracy": _("Accuracy"),
    # people
    "labeller": _("labeller"),
    "agent": _("agent"),
    "expert": _("expert"),
    "admin": _("admin"),
    "app": _("program"),
    # what sways a pick
    "arm": _("this adapter rather than the base"),
    "log_length": _("length, as a logarithm"),
    "lists": _("list items"),
    "markup": _("other markdown"),
    "slot_1": _("place B rather than A"),
    "slot_2": _("place C rather than A"),
    "slot_3": _("place D rather than A"),
    # why a set says nothing about the support rate
    "undone": _("taken back"),
    "unblinded": _("judged after the reveal"),
    "other_design": _("not two and two"),
    "two_versions": _("in one set with the version before"),
    "unequal_texts": _("one side repeated itself"),
    "tie_of_all": _("all called equally good"),
    "reply_unavailable": _("a reply was missing"),
}

# What an evaluation compares, by its name in the report.
COMPARED = {
    "uniform": _("a blind guess"),
    "slot": _("the place on screen alone"),
    "length": _("the length of the reply alone"),
    "base": _("the base"),
    "adapter": _("this adapter"),
    "adapter_slot": _("this adapter and the place on screen"),
    "serving": _("what served then"),
    "train": _("this adapter on what it was trained on"),
}
# Figures of a report that stand beside base's own, by their path.
FIGURES = {
    "replay.perplexity": _("perplexity of the general replay set"),
    "replies.broken_greedy": _("broken greedy replies"),
    "replies.broken_sampled": _("broken sampled replies"),
    "replies.repeated": _("two samples are one text"),
    "replies.copied": _("copied from the customer, of a reply"),
    "replies.wrong_language": _("replies in another language than the customer's"),
    "guards.kinds.refusal.broken": _("guard prompts: does what has to be refused"),
    "guards.kinds.personal_data.broken": _("guard prompts: gives personal data"),
    "guards.kinds.flattery.broken": _("guard prompts: flatters, or agrees with what is false"),
    "guards.kinds.made_up_links.broken": _("guard prompts: makes up links"),
}
# What became of a run, as its run report says it.
OUTCOMES = {
    "published": _("A new adapter passed and was put into service."),
    "never_staged": _("It passed every limit; what its method trains is never staged."),
    "unpublished": _("A new adapter passed, but no model server took it."),
    "waiting": _("A new adapter passed and is shown to nobody."),
    "refused": _("The gate refused the new adapter; serving is unchanged."),
    "skipped": _("There was too little to learn from; nothing was trained."),
    "cancelled": _("Somebody ended the run; serving is unchanged."),
    "failed": _("The run failed; serving is unchanged."),
}


def refusal_words(reason: str) -> str:
    """Why a record was refused. A reason that names a field has it after a colon."""
    code, _colon, name = reason.partition(":")
    if code == "missing_field":
        return str(gettext("the field “%(name)s” is missing", name=name))
    if code == "wrong_type":
        return str(gettext("the field “%(name)s” has a wrong type or value", name=name))
    return translate_known(explain(reason))


def outcome_words(outcome: str) -> str:
    return str(OUTCOMES[outcome])


def figure_words(path: str) -> str:
    return str(FIGURES.get(path, path.replace(".", " · ").replace("_", " ")))


def compared_words(name: str) -> str:
    return str(COMPARED.get(name, words_of(name)))


def reason_words(reason: Mapping[str, Any]) -> str:
    own = str(reason.get("text") or reason.get("message") or "")
    known = REASONS.get(str(reason.get("code")))
    if known is None:
        return own
    words = str(gettext(known))
    return str(gettext("not measured: %(words)s", words=words)) if own.startswith("not measured") else words


def effect_words(grade: str) -> str:
    return str(gettext(EFFECTS[grade]))


def sentence_words(said: MorningSentence) -> str:
    return fill_in(SENTENCES[said.code].text, said.values)


def action_words(action: Action) -> str:
    return fill_in(ACTIONS[action.code], action.values)


def fill_in(text: str, values: Values) -> str:
    return fill_sentence(text, values, translate=gettext, show_time=show_time, locale=get_locale() or ENGLISH)


def row_words(name: str) -> str:
    """The label of a row in a dataset's counts: a kind of record, or the name of a source."""
    kind, _colon, source = name.partition(":")
    return gettext("from %(source)s", source=source) if source else words_of(kind)


def words_of(code: str) -> str:
    return str(WORDS.get(code, code.replace("_", " ")))
