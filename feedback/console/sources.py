"""The pages of sources: all of them in a table, and one with its grade, imports, history and what holds its
records. What people decide there goes through the HTTP API.
"""

from collections.abc import Mapping, Sequence

from flask import Blueprint, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.console.labels import words_of
from feedback.sources.grade import ACCEPTED, GRADES, USABLE, SourceGrade, explain_grade, show_part
from feedback.sources.kinds import GIVEN_KINDS, OWN_KIND
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read
from feedback.store.import_tallies import list_imports_of
from feedback.store.source_views import list_holders, list_source_views, read_source_view
from feedback.store.sources import ACTIVE, CHANGED, PAUSED, WITHDRAWN
from feedback.store.tables import Source
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_sources", __name__, url_prefix="/console/sources")

LONGEST_SEARCH = 200  # characters
KINDS = {
    OWN_KIND: _("our own"),
    "public": _("a public set"),
    "user": _("users"),
    "expert": _("experts"),
    "model": _("a model"),
    "crowd": _("paid labellers"),
}
FORMS = {"conversation": _("conversations")}
STATES = {ACTIVE: _("active"), PAUSED: _("paused"), WITHDRAWN: _("withdrawn")}
FIELDS = {
    "kind": _("Kind"),
    "owner": _("Owner"),
    "licence": _("Licence"),
    "language": _("Language"),
    "note": _("Note"),
    "folder": _("Watched folder"),
    "state": _("State"),
    "grade_override": _("Grade given by a person"),
}
PARTS = {
    ACCEPTED: _("lines accepted"),
    USABLE: _("records that can be learned from"),
}
EFFECTS = {
    "C": _("Its records weigh half."),
    "D": _("No dataset takes its records unless the selection names it; then they weigh half."),
}


def grade_words(grade: SourceGrade) -> str:
    return explain_grade(grade, gettext, join=gettext("; "), end=gettext("."))


def effect_of(grade: str | None) -> str:
    return str(EFFECTS.get(grade or "", gettext("Its records weigh fully.")))


def value_words(field: str, value: str | None) -> str:
    """A value of a source as a person reads it."""
    if value is None:
        return str(gettext("none"))
    words: Mapping[str, Mapping[str, object]] = {"kind": KINDS, "state": STATES}
    return str(words.get(field, {}).get(value, value))


@bp.get("")
@allow("expert")
def show_sources() -> str:
    """All sources of the desk, or those that the words of the search name."""
    asked = " ".join(request.args.get("q", "").split())[:LONGEST_SEARCH]
    with read(services().store_engine) as store:
        views = list_source_views(store, desk_id=current_actor().desk_id)
    found = [view for view in views if says_all(view.row, asked.casefold().split())]
    return render_template("console/sources.html", views=found, asked=asked, **describe_words())


def says_all(row: Source, words: Sequence[str]) -> bool:
    """Whether each of these words is in what is known of a source."""
    known = " ".join(filter(None, (row.name, row.owner, row.licence, row.note))).casefold()
    return all(word in known for word in words)


@bp.get("/<path:source>")
@allow("expert")
def show_source(source: str) -> str:
    """One source, what came of it, and what was decided about it."""
    desk_id = current_actor().desk_id
    with read(services().store_engine) as store:
        view = read_source_view(store, desk_id=desk_id, name=source)
        changes = list_definition_changes(store, desk_id=desk_id, kind=CHANGED, key=source)
        imports = list_imports_of(store, desk_id=desk_id, name=source)
        holders = list_holders(store, desk_id=desk_id, name=source)
    latest = {field: row for row in reversed(changes) for field in row.what}
    return render_template(
        "console/source.html",
        view=view,
        changes=changes,
        latest=latest,  # the last change of each field
        imports=imports,
        holders=holders,
        grades=GRADES,
        parts_words=PARTS,
        **describe_words(),
    )


def describe_words() -> dict[str, object]:
    return {
        "kinds": KINDS,
        "given_kinds": GIVEN_KINDS,
        "states": STATES,
        "fields": FIELDS,
        "grade_words": grade_words,
        "effect_of": effect_of,
        "value_words": value_words,
        "show_part": show_part,
        "form_words": lambda form: FORMS.get(form) or words_of(form),
    }
