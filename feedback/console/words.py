"""The vocabulary's codes in the reader's language. A code without a word here is shown as it is."""

from flask_babel import lazy_gettext as _

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
    # adapters and deployments
    "trained": _("trained"),
    "refused": _("refused"),
    "passed": _("passed"),
    "canary": _("canary"),
    "live": _("live"),
    "retired": _("retired"),
    "rolled_back": _("rolled back"),
    # judgements
    "pick": _("sent as suggested"),
    "edit": _("edited, then sent"),
    "own": _("own text"),
    "tie": _("several equally good"),
    "none": _("none was good"),
    "skip": _("skipped"),
    "undo": _("taken back"),
    # datasets
    "choice": _("choices"),
    "choices": _("choices"),
    "pair": _("pairs"),
    "pairs": _("pairs"),
    "thumb": _("thumbs"),
    "thumbs": _("thumbs"),
    "validation": _("validation"),
    "test": _("test"),
    # curves
    "loss": _("Loss"),
    "margin": _("Margin of chosen over rejected"),
    "accuracy": _("Accuracy"),
    # people
    "agent": _("agent"),
    "expert": _("expert"),
    "admin": _("admin"),
    "app": _("program"),
    # support bands
    "harmed": _("it harmed"),
    "no_progress": _("no progress"),
    "not_good_enough": _("not good enough"),
    "success": _("a success"),
    "marked_success": _("a marked success"),
    # why a set says nothing about the support rate
    "undone": _("taken back"),
    "unblinded": _("judged after the reveal"),
    "other_design": _("not two and two"),
    "unequal_texts": _("one side repeated itself"),
    "reply_unavailable": _("a reply was missing"),
}


def words_of(code: str) -> str:
    return str(WORDS.get(code, code.replace("_", " ")))
