"""The page of the helper: how it is set, what it used of today, where it is trusted, and what failed last.
What it says of an item is on no page.
"""

from flask import Blueprint, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.console.label_words import KINDS
from feedback.helper.fit import FIT
from feedback.helper.kappa import LEAST_ITEMS
from feedback.helper.settings import RECHECK, HelperSettings
from feedback.helper.similar import SIMILAR
from feedback.helper.standing import HelperStanding, TaskStanding, read_helper_standing
from feedback.helper.trial import TRIAL
from feedback.helper.trust import DIFFERS
from feedback.helper.uses import KINDS_OF
from feedback.helper.write import WRITE
from feedback.store import helper_calls
from feedback.store.engine import read
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_helper", __name__, url_prefix="/console/helper")

STATES = {
    helper_calls.INVALID: _("no valid answer"),
    helper_calls.REFUSED: _("the model refused"),
    helper_calls.UNKNOWN: _("sent, and no whole answer came"),
    helper_calls.UNREACHABLE: _("not reached"),
    helper_calls.FAILED: _("an error of the address"),
}
CODES = {
    "cut_off": _("cut off"),
    "not_json": _("no JSON"),
    "wrong_value": _("a value that is not allowed"),
    "refusal": "",  # its state says so
    helper_calls.INTERRUPTED: _("the service ended"),
    "no_connection": _("no connection"),
    "timeout": _("too late"),
    "broken": _("broken off"),
    "unreadable": _("not readable"),
    "too_long": _("too long"),
}


@bp.get("")
@allow("expert")
def show_helper() -> str:
    """How the helper is set and how it stands; without one, how to name one."""
    found = services()
    settings = found.helper
    standing: HelperStanding | None = None
    if settings is not None and settings.is_on:
        with read(found.store_engine) as store:
            standing = read_helper_standing(
                store, settings=settings, desk_id=current_actor().desk_id, now=found.clock.now()
            )
    return render_template(
        "console/helper.html",
        settings=settings,
        standing=standing,
        least=LEAST_ITEMS,
        kinds=KINDS,
        use_words=use_words,
        key_words=key_words,
        failure_words=failure_words,
        trust_words=trust_words,
    )


def use_words(use: str) -> str:
    words = {
        TRIAL: gettext("a trial"),
        RECHECK: gettext("look again at what people settled"),
        WRITE: gettext("write a text"),
        SIMILAR: gettext("compare two prompts"),
        FIT: gettext("say whether a reply fits"),
    }
    return str(words.get(use) or KINDS[KINDS_OF[use]])


def key_words(settings: HelperSettings) -> str:
    """Where the key comes from, and nothing of it."""
    if settings.key_file is not None:
        return str(gettext("from a file"))
    return str(gettext("from a variable") if settings.key else gettext("none"))


def failure_words(state: str, error: str | None) -> str:
    """What became of a request, and why: `HTTP 503` needs no translation."""
    what, why = STATES[state], CODES.get(error or "", (error or "").replace("http_", "HTTP "))
    return str(gettext("%(what)s: %(why)s", what=what, why=why) if why else what)


def trust_words(standing: TaskStanding, model: str) -> tuple[str, str]:
    """The class of the mark, and what it says."""
    trust = standing.trust
    if trust is not None and trust.model != model:
        return "warn", str(gettext("another model answers"))
    if trust is not None and trust.is_trusted:
        return "good", str(gettext("trusted"))
    if trust is not None and trust.reason == DIFFERS:
        return "bad", str(gettext("trusted no more"))
    if standing.since.items < LEAST_ITEMS:
        return "", str(gettext("too few items yet"))
    return "", str(gettext("not above the bar"))
