"""The application factory: takes the settings and the objects of the entry point, returns a Flask
application.

It opens nothing itself: the store's engine, the suggester and the clients of the model server are passed in.
Blueprints are listed below; a new one is one line. Templates and static files of the whole package are beside
this file.
"""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Blueprint, Flask
from sqlalchemy import Engine

from feedback import chat, console, label, workbench
from feedback.actor import Actor
from feedback.advice.gather import KeptAdvice
from feedback.api import (
    adapters,
    advice,
    background,
    campaigns,
    closings,
    conversations,
    dataset_jobs,
    datasets,
    day,
    disputes,
    drafts,
    duels,
    erasures,
    health,
    imports,
    judgements,
    label_feed,
    labellers,
    messages,
    openapi,
    presence,
    pushes,
    quality,
    questions,
    queue,
    queue_position,
    reports,
    runs,
    scores,
    sources,
    suggestions,
    tag_proposals,
    tags,
    task_items,
    tasks,
    thumbs,
    two_answers,
    undo,
)
from feedback.api.checks import bp as check_calls
from feedback.api.labels import bp as label_calls
from feedback.clock import Clock
from feedback.console import labels
from feedback.console.advice import advice_figures, advice_words
from feedback.console.links import rows_of
from feedback.console.menu import list_data_pages, list_menu
from feedback.console.reports import show_value
from feedback.datasets.worker import DatasetWorker
from feedback.deployment.policy import Policy
from feedback.drift.watch import KeptWatch
from feedback.errors import ApiError
from feedback.helper.settings import HelperSettings
from feedback.imports.worker import ImportWorker
from feedback.morning.outlook import Outlook
from feedback.settings import FeedbackSettings
from feedback.web import sign_in
from feedback.web.auth import csrf, find_actor
from feedback.web.error_pages import register_error_pages
from feedback.web.headers import register_headers
from feedback.web.hosts import register_hosts
from feedback.web.languages import init_languages
from feedback.web.limits import register_limits
from feedback.web.peers import register_peers
from feedback.web.releaser import Releaser
from feedback.web.services import EXTENSION, DuelDrawerPort, Services, SuggesterPort
from feedback.web.sessions import StoreSessions
from serving.files import read_key_file

if TYPE_CHECKING:
    from feedback.deployment.deploy import Deployer
    from serving.client.fleet import Fleet

BLUEPRINTS: tuple[Blueprint, ...] = (
    sign_in.bp,
    openapi.bp,
    conversations.bp,
    messages.bp,
    questions.bp,
    two_answers.bp,
    queue_position.bp,
    background.bp,
    queue.bp,
    presence.bp,
    drafts.bp,
    closings.bp,
    suggestions.bp,
    judgements.bp,
    undo.bp,
    day.bp,
    duels.bp,
    scores.bp,
    thumbs.bp,
    runs.bp,
    reports.bp,
    advice.bp,
    adapters.bp,
    erasures.bp,
    health.bp,
    datasets.bp,
    dataset_jobs.bp,
    sources.bp,
    tags.bp,
    tag_proposals.bp,
    tasks.bp,
    task_items.bp,
    campaigns.bp,
    label_calls,
    check_calls,
    pushes.bp,
    imports.bp,
    quality.bp,
    labellers.bp,
    label_feed.bp,
    disputes.bp,
)


def create_app(
    settings: FeedbackSettings,
    *,
    store_engine: Engine,
    clock: Clock,
    fleet_factory: "Callable[[], Fleet] | None" = None,
    suggester: SuggesterPort | None = None,
    duel_drawer: DuelDrawerPort | None = None,
    deployer: "Deployer | None" = None,
    outlook: Outlook | None = None,
    helper: HelperSettings | None = None,
    retention_days: int = 0,
) -> Flask:
    app = Flask("feedback", template_folder="templates", static_folder="static", static_url_path="/static")
    app.config.update(
        SECRET_KEY=read_secret_key(settings),
        MAX_CONTENT_LENGTH=settings.max_page_body_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_page_body_bytes,
        MAX_FORM_PARTS=100,
        WTF_CSRF_CHECK_DEFAULT=False,  # the guards of feedback/web/auth.py call it: bearer calls need none
        WTF_CSRF_TIME_LIMIT=None,  # lives as long as the session it is bound to
        HOME_PATH="/",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.session_interface = StoreSessions(store_engine, clock, days=settings.session_days)
    app.extensions[EXTENSION] = Services(
        settings=settings,
        store_engine=store_engine,
        clock=clock,
        releaser=Releaser(store_engine=store_engine, clock=clock, window_s=settings.undo_window_s),
        imports=ImportWorker(store_engine=store_engine, data_dir=settings.data_dir, clock=clock),
        datasets=DatasetWorker(store_engine=store_engine, data_dir=settings.data_dir, clock=clock),
        suggester=suggester,
        duel_drawer=duel_drawer,
        deployer=deployer,
        fleet_factory=fleet_factory,
        outlook=outlook or Outlook(deployer.policy if deployer else Policy(), settings.data_dir, 1, None),
        watch=KeptWatch(),
        advice=KeptAdvice(),
        helper=helper,
        retention_days=retention_days,
    )
    register_hosts(app, settings)
    register_peers(app, settings)
    csrf.init_app(app)
    register_headers(app)
    register_error_pages(app)
    register_limits(app, settings, clock)
    health.register_metrics(app, store_engine)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    register_pages(app)
    return app


def read_secret_key(settings: FeedbackSettings) -> str:
    """The key from the settings, else the one in the data directory, which is created at the first start."""
    if settings.secret_key is not None:
        key = settings.secret_key.get_secret_value()
        if len(key) < 32:
            raise ValueError("feedback.secret_key is shorter than 32 characters: remove it to have one made")
        return key
    return read_key_file(settings.data_dir / "secret.key", lambda: secrets.token_urlsafe(48))


def signed_in() -> Actor | None:
    """The actor who views the page. None also if finding them raises an error, since error pages call this
    too.
    """
    try:
        return find_actor()
    except ApiError:
        return None


def register_pages(app: Flask) -> None:
    init_languages(app)
    app.jinja_env.globals.update(
        words_of=labels.words_of,
        action_words=labels.action_words,
        compared_words=labels.compared_words,
        effect_words=labels.effect_words,
        outcome_words=labels.outcome_words,
        reason_words=labels.reason_words,
        refusal_words=labels.refusal_words,
        row_words=labels.row_words,
        sentence_words=labels.sentence_words,
        advice_words=advice_words,
        advice_figures=advice_figures,
        show_value=show_value,
        list_menu=list_menu,
        list_data_pages=list_data_pages,
        rows_of=rows_of,
    )
    is_open = bool(app.extensions[EXTENSION].settings.public_chat)
    app.context_processor(lambda: {"signed_in": signed_in(), "chat_is_open": is_open})
    for blueprint in (workbench.bp, label.bp, chat.bp, *console.blueprints):
        app.register_blueprint(blueprint)
