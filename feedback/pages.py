"""Registers what people see: languages, workbench, customer chat, console, and what their templates share."""

from flask import Flask
from flask_babel import gettext as _

from feedback import chat, console, workbench
from feedback.console.labels import compared_words, outcome_words, reason_words, row_words, words_of
from feedback.console.reports import show_value
from feedback.errors import ApiError
from feedback.web.auth import Actor, find_actor
from feedback.web.languages import init_languages

Place = tuple[str, str, tuple[str, ...]]


def console_places() -> list[Place]:
    """The console's pages: where each leads, its name, and the endpoints that belong to it."""
    return [
        ("console.today", _("Today"), ("console.today",)),
        ("console.show_funnel", _("Funnel"), ("console.show_funnel",)),
        ("console.list_datasets", _("Datasets"), ("console.list_datasets", "console.show_dataset")),
        (
            "console.list_runs",
            _("Runs"),
            ("console.list_runs", "console.show_run", "console_night.show_report"),
        ),
        ("console.list_adapters", _("Adapters"), ("console.list_adapters", "console.show_adapter")),
        ("console_duels.list_duels", _("Duels"), ("console_duels.list_duels", "console_duels.show_duel")),
        (
            "console_lineage.search",
            _("Lineage"),
            ("console_lineage.search", "console_lineage.show"),
        ),
        ("console_acts.list_people", _("People"), ("console_acts.list_people", "console_acts.add_person")),
    ]


def signed_in() -> Actor | None:
    """Who looks at the page; nobody where even that question is an error, since error pages ask it too."""
    try:
        return find_actor()
    except ApiError:
        return None


def register_pages(app: Flask) -> None:
    init_languages(app)
    app.jinja_env.globals.update(
        words_of=words_of,
        compared_words=compared_words,
        outcome_words=outcome_words,
        row_words=row_words,
        reason_words=reason_words,
        show_value=show_value,
        console_places=console_places,
    )
    app.context_processor(lambda: {"signed_in": signed_in()})
    for blueprint in (workbench.bp, chat.bp, *console.blueprints):
        app.register_blueprint(blueprint)
