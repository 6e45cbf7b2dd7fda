"""Whether the store and the model server are well, in one sentence each. Asks the engine once, briefly."""

from dataclasses import dataclass

from flask_babel import gettext as _

from feedback.api.health import check_engine, check_store
from feedback.web.services import services


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    words: str


def check_health() -> list[Check]:
    """The same checks as /readyz, in the reader's language."""
    return [show_store(), show_engine()]


def show_store() -> Check:
    reason = check_store()
    if reason is not None:
        return Check(_("Store"), False, reason["message"])
    engine = services().store_engine
    name = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
    version = ".".join(str(part) for part in engine.dialect.server_version_info or ())
    return Check(_("Store"), True, f"{name} {version}".strip())


def show_engine() -> Check:
    ready = check_engine() is None
    words = (
        _("The model server answers.")
        if ready
        else _("The model server does not answer: agents write by hand, and nothing is lost.")
    )
    return Check(_("Model server"), ready, words)
