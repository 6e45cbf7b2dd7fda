"""Advice in the reader's language: its paragraph and its figures."""

from flask_babel import lazy_gettext as _

from feedback.advice.said import Advice
from feedback.advice.words import SENTENCES
from feedback.console.labels import fill_in, words_of
from feedback.console.reports import show_value

FIGURES = {
    "judged": _("judgements since the system prompt was changed"),
    "failed_percent": _("written by hand, or none good (%)"),
    "edits_read": _("edits that were read"),
    "form_edits": _("of these, the form alone was changed"),
    "usable": _("choices that can be learnt from"),
    "fresh": _("of these, since the last run"),
    "texts": _("texts that people wrote"),
    "thumbs": _("thumbs"),
    "first_place_percent": _("picks of the first card (%)"),
    "by_chance_percent": _("by chance (%)"),
    "support_percent": _("support rate of what is live (%)"),
    "last_gain": _("nats per held-out choice that the last run gains on the base"),
    "last_replay_kl": _("nats a token from the base on the replay set"),
    "loss_first": _("training loss at first"),
    "loss_last": _("training loss at last"),
    "held_out_best": _("best held-out loss"),
    "held_out_best_step": _("at step"),
    "held_out_last": _("held-out loss at last"),
    "kl_to_base": _("nats a token from the base"),
    "length_ratio": _("length of replies against the base's"),
    "learning_rate": _("learning rate"),
    "epochs": _("epochs"),
}
UNSAID = ("run",)  # stands on the page anyway


def advice_words(advice: Advice) -> str:
    """The paragraph. A Chinese sentence needs no space after it."""
    said = (fill_in(SENTENCES[each.code], each.values) for each in advice.sentences)
    return "".join(text if text.endswith("。") else f"{text} " for text in said).strip()


def advice_figures(advice: Advice) -> list[tuple[str, str]]:
    """Each figure that is known, with its name."""
    return [
        (str(FIGURES.get(name, words_of(name))), show_value(value))
        for name, value in advice.figures.items()
        if value is not None and name not in UNSAID
    ]
