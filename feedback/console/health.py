"""The health of the store and the model server, in one sentence each. Asks the engine once, with a short
timeout.
"""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from feedback.api.health import check_adapters, check_engine, check_second_engine, check_store
from feedback.web.languages import show_time
from feedback.web.services import services


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    words: str


def check_health() -> tuple[Check, Check]:
    """The checks of /readyz, in the reader's language."""
    return show_store(), show_engine()


def show_store() -> Check:
    reason = check_store()
    if reason is not None:
        return Check(_("Store"), False, reason["message"])
    engine = services().store_engine
    name = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
    version = ".".join(str(part) for part in engine.dialect.server_version_info or ())
    return Check(_("Store"), True, f"{name} {version}".strip())


def show_engine() -> Check:
    reason = check_engine() or check_second_engine() or check_adapters()
    words = {
        None: _("The model server answers."),
        "engine_rests": say_rest((reason or {}).get("until")),
        "engine_hung": _("The model server gives no replies and is started again: agents write by hand."),
        "second_engine_starts": _(
            "The second engine is being started: the base stands in for its checkpoint."
        ),
        "second_engine_failed": _("The second engine could not be started: see logs/checkpoint.log."),
        "base_stands_in": _("A version that should serve cannot be loaded: the base stands in for it."),
        "engine_away": _("The model server does not answer: agents write by hand, and nothing is lost."),
    }
    code = reason["code"] if reason is not None else None
    return Check(_("Model server"), reason is None, words[code])


def say_rest(until: str | None) -> str:
    if until is None:
        return str(_("The model is away while a run trains: agents write by hand, and nothing is lost."))
    at = show_time(datetime.fromisoformat(until))
    return str(_("The model is away while a run trains, until about %(at)s: agents write by hand.", at=at))
