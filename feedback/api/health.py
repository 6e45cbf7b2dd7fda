"""Health probes and metrics. They are open to everybody and name no model."""

import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from werkzeug.wrappers import Response as AnyResponse

from feedback.errors import ApiError
from feedback.store import overview, runs
from feedback.store.engine import read
from feedback.store.probe import probe_store
from feedback.store.tables import DEFAULT_DESK
from feedback.web.services import services
from feedback.web.waiting import is_first_request
from serving.adapters.manifest import read_manifest
from serving.client.endpoint import read_second_engine
from serving.errors import EngineResting, ServingError
from serving.pulse import is_hung

bp = Blueprint("health", __name__)

EXTENSION = "rejoinder-metrics"
STANDS_IN = "base_stands_in"
SECOND_STARTS, SECOND_FAILED = "second_engine_starts", "second_engine_failed"
BEARABLE = {STANDS_IN, SECOND_STARTS, SECOND_FAILED}  # sets are prepared all the same
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class WebMetrics:
    """Counts the requests of this process, and reads counts from the store when the metrics are requested."""

    def __init__(self, store_engine: Engine) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "rejoinder_http_requests",
            "Answered requests by route and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "rejoinder_http_seconds",
            "Seconds of work for an answer by route; waiting for news is not counted",
            ["method", "route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.registry.register(StoreCounts(store_engine))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)


class StoreCounts(Collector):
    def __init__(self, store_engine: Engine) -> None:
        self._store = store_engine

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # else registering it would read the store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with read(self._store) as session:
            waiting = overview.count_unanswered(session, desk_id=DEFAULT_DESK)
            by_state = runs.count_by_state(session, desk_id=DEFAULT_DESK)
        yield GaugeMetricFamily("rejoinder_turns_waiting", "Turns that wait for a reply", value=waiting.count)
        family = GaugeMetricFamily("rejoinder_runs", "Runs by state", labels=["state"])
        for state, count in sorted(by_state.items()):
            family.add_metric([state], count)
        yield family


def register_metrics(app: Flask, store_engine: Engine) -> None:
    """Starts counting every request of the application."""
    metrics = app.extensions[EXTENSION] = WebMetrics(store_engine)

    @app.before_request
    def start() -> None:
        g.started_at = time.monotonic()

    @app.after_request
    def count(response: Response) -> Response:
        if not is_first_request():
            return response
        # Only existing routes: labels made from any address could fill the memory.
        route = request.url_rule.rule if request.url_rule else "(none)"
        seconds = time.monotonic() - g.get("started_at", time.monotonic())
        metrics.count(request.method, route, response.status_code, seconds)
        return response


@bp.get("/healthz")
def live() -> AnyResponse:
    """Whether the process answers; nothing else is checked."""
    return jsonify({"live": True})


@bp.get("/readyz")
def ready() -> AnyResponse:
    """Whether store and model server can be used, with a reason for each that cannot. If only an adapter is
    missing and the base model replaces it, or the second engine does not serve its checkpoint, that is a
    reason too, but the status stays 200.
    """
    found = (check_store(), check_engine(), check_second_engine(), check_adapters())
    reasons = [reason for reason in found if reason is not None]
    is_ready = all(reason["code"] in BEARABLE for reason in reasons)
    response = jsonify({"ready": is_ready, "reasons": reasons})
    response.status_code = 200 if is_ready else 503
    return response


@bp.get("/metrics")
def metrics() -> Response:
    """The metrics in Prometheus's text format."""
    web: WebMetrics = current_app.extensions[EXTENSION]
    text = generate_latest(web.registry)
    sets = getattr(services().suggester, "metrics", None)
    if sets is not None:
        text += generate_latest(sets.registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def check_store() -> dict[str, str] | None:
    try:
        if probe_store(services().store_engine):
            return None
        return {"code": "store_empty", "message": "The store has no desk: run `rejoinder init`."}
    except ApiError as busy:
        return {"code": busy.code, "message": busy.message}
    except DatabaseError:
        return {"code": "store_not_migrated", "message": "The store has no tables: run `rejoinder init`."}


def check_engine() -> dict[str, str] | None:
    """Why the model server cannot be used, or None. None also if the web was started without a model
    server.
    """
    found = services()
    if found.fleet_factory is None:
        return None
    try:
        fleet = found.fleet_factory()
    except EngineResting as rest:
        return tell_rest(rest)
    except ServingError:
        fleet = None
    if is_hung(found.settings.data_dir):
        return {
            "code": "engine_hung",
            "message": "The model server gives no replies and is started again: agents write by hand.",
        }
    if fleet is not None and fleet.is_ready():
        return None
    return {
        "code": "engine_away",
        "message": "The model server does not answer: agents write by hand until it does.",
    }


def check_second_engine() -> dict[str, str] | None:
    """Why the engine of a checkpoint does not serve it; None if it does or none is wanted. It names no
    checkpoint.
    """
    found = read_second_engine(services().settings.data_dir)
    if found is None or found.endpoint is not None:
        return None
    if found.fault is None:
        return {"code": SECOND_STARTS, "message": "The second engine is being started for a checkpoint."}
    return {
        "code": SECOND_FAILED,
        "message": "The second engine could not be started for a checkpoint. See logs/checkpoint.log.",
    }


def tell_rest(rest: EngineResting) -> dict[str, str]:
    """Why the model server rests. `until`: about when it is back; missing where nobody knows."""
    until = {"until": rest.until.isoformat()} if rest.until is not None else {}
    about = f" until about {rest.until:%H:%M} UTC" if rest.until is not None else ""
    message = f"The model is away while a run trains{about}: agents write by hand."
    return {"code": "engine_rests", "message": message, **until}


def check_adapters() -> dict[str, str] | None:
    """Whether an adapter that should serve cannot be loaded. It names no adapter, since agents may read
    this.
    """
    found = services()
    manifest = read_manifest(found.settings.data_dir) if found.fleet_factory is not None else None
    if manifest is None or not manifest.missing:
        return None
    return {
        "code": STANDS_IN,
        "message": "A version that should serve cannot be loaded: the base stands in. See logs/up.log.",
    }
