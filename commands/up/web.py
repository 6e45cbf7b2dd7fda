"""The web as gunicorn loads it: `gunicorn --config python:commands.up.web "commands.up.web:build_app()"`.

Finds its instance by REJOINDER_DATA_DIR and REJOINDER_CONFIG; REJOINDER_FEEDBACK__<FIELD> and
REJOINDER_SERVING__<FIELD> win over the file. Everything is built in the worker, after the fork, since
neither database connections nor threads survive one. `worker_exit` is gunicorn's hook of that name.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from commands.frame import Frame
from serving.client.current import CurrentFleet

if TYPE_CHECKING:
    from flask import Flask

    from feedback.suggestions.plan import BaseFacts
    from serving.settings import ServingSettings

CLOSING = "rejoinder-closing"  # the application's extension that ends the wait for the engine
LOOK_EVERY_S = 0.25
# gunicorn's setting of that name: it believes no header about scheme or path, whoever sends it. What a proxy
# may say is decided by `trusted_proxies` alone (feedback/web/hosts.py).
forwarded_allow_ips = ""


def build_app() -> "Flask":
    from feedback.app import create_app
    from feedback.clock import SystemClock
    from feedback.deployment.deploy import Deployer
    from feedback.duels.drawing import DuelDrawer
    from feedback.records.language import load_identifier
    from feedback.store.engine import open_engine
    from feedback.suggestions.suggester import Suggester
    from feedback.web.services import EXTENSION

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its line for each request drowns the others
    frame = Frame.from_environment(os.environ)
    settings, serving, clock = frame.feedback(), frame.serving(), SystemClock()
    store_engine = open_engine(settings.store_url())
    policy, fleet = frame.policy(), CurrentFleet(serving, frame.data_dir)
    closing = threading.Event()
    describe_base = cache(wait_then_describe(serving, fleet, closing))
    suggester = Suggester(
        store_engine=store_engine,
        fleet_factory=fleet,
        serving=serving,
        settings=settings,
        clock=clock,
        compare_share=policy.canary.compare_share,
        describe_base=describe_base,
    )
    duel_drawer = DuelDrawer(
        store_engine=store_engine,
        fleet_factory=fleet,
        serving=serving,
        clock=clock,
        describe_base=describe_base,
    )
    deployer = Deployer(
        store_engine=store_engine,
        fleet_factory=fleet,
        settings=serving,
        data_dir=frame.data_dir,
        clock=clock,
        policy=policy,
    )
    app = create_app(
        settings,
        store_engine=store_engine,
        clock=clock,
        fleet_factory=fleet,
        suggester=suggester,
        duel_drawer=duel_drawer,
        deployer=deployer,
    )
    app.extensions[CLOSING] = closing
    suggester.watch()
    duel_drawer.watch()
    app.extensions[EXTENSION].releaser.start()
    # A second of work that would otherwise lie inside the first customer's transaction.
    threading.Thread(target=load_identifier, name="languages", daemon=True).start()
    return app


def wait_then_describe(
    serving: "ServingSettings", fleet: CurrentFleet, closing: threading.Event
) -> "Callable[[], BaseFacts]":
    """The first set waits here until the engine serves: the web is up before it, and a set begun too early
    would fail for good.
    """

    def describe() -> "BaseFacts":
        from feedback.suggestions.plan import describe_base_model
        from serving.errors import ServingError

        deadline = time.monotonic() + serving.ready_timeout_s
        while time.monotonic() < deadline and not closing.is_set():
            try:
                if fleet().is_ready():
                    break
            except ServingError:
                pass
            closing.wait(LOOK_EVERY_S)
        return describe_base_model(serving)

    return describe


def worker_exit(server: Any, worker: Any) -> None:
    """Lets sets and duel rounds that are being drawn finish; what waited is taken up by the next start."""
    app = getattr(worker, "wsgi", None)
    if app is None or CLOSING not in getattr(app, "extensions", {}):
        return
    from feedback.web.services import EXTENSION

    app.extensions[CLOSING].set()
    app.extensions[EXTENSION].duel_drawer.close()
    app.extensions[EXTENSION].suggester.close()
    app.extensions[EXTENSION].releaser.close()
