"""Whether the store and the model server are well, in one sentence each. Asks the engine once, briefly."""

from dataclasses import dataclass

from flask_babel import gettext as _

from feedback.services import services
from serving.errors import ServingError


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    words: str


def check_health() -> list[Check]:
    return [check_store(), check_engine()]


def check_store() -> Check:
    engine = services().store_engine
    name = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
    version = ".".join(str(part) for part in engine.dialect.server_version_info or ())
    return Check(_("Store"), True, f"{name} {version}".strip())


def check_engine() -> Check:
    try:
        fleet = services().fleet
        ready = fleet is not None and fleet.is_ready()
    except ServingError:
        ready = False
    words = (
        _("The model server answers.")
        if ready
        else _("The model server does not answer: agents write by hand, and nothing is lost.")
    )
    return Check(_("Model server"), ready, words)
