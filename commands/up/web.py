"""The web as a process: `python -m commands.up.web`, started and supervised by `rejoinder up`.

It finds its instance by REJOINDER_DATA_DIR and REJOINDER_CONFIG; REJOINDER_FEEDBACK__<FIELD> and
REJOINDER_SERVING__<FIELD> override the file. On SIGTERM it finishes running requests and the suggestion sets
in progress, and answers waiting readers at once.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from commands.deployer import make_deployer
from commands.files import raise_file_limit
from commands.frame import Frame
from demo.chat import add_examples
from feedback.app import create_app
from feedback.campaigns.filling import CampaignFiller
from feedback.clock import Clock, SystemClock
from feedback.deployment.deploy import Deployer
from feedback.deployment.policy_changes import note_policy_change
from feedback.duels.drawing import DuelDrawer
from feedback.errors import ApiError
from feedback.helper.address import open_address
from feedback.helper.ask import Helper
from feedback.helper.labelling import HelperLabeller
from feedback.records.language import load_identifier
from feedback.records.redact import open_redactor
from feedback.store.engine import open_engine
from feedback.suggestions.plan import BaseFacts, describe_base_model
from feedback.suggestions.suggester import Suggester
from feedback.web.front import Front
from feedback.web.pools import count_threads
from feedback.web.running import running_front
from feedback.web.server import WebServer
from feedback.web.services import EXTENSION, Services
from feedback.web.wakeups import Wakeups
from serving.client.current import CurrentFleet
from serving.errors import EngineResting, ServingError
from serving.settings import ServingSettings
from trainer.settle import settle_and_log

POLL_EVERY_S = 0.25
CHECKPOINT_PATIENCE_S = 10.0  # for which a request to promote one waits for its engine
OTHER_FILES = 512  # files besides pages: for the store, the engine, logs
OTHER_CONNECTIONS = 10  # to the store: for the poll every second, duels, the helper, and a reserve

log = logging.getLogger(__name__)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("httpx", "uvicorn.error"):  # their lines for each request drown the others
        logging.getLogger(name).setLevel(logging.WARNING)
    files = raise_file_limit()
    frame = Frame.from_environment(os.environ)
    settings = frame.feedback()
    with building_front(frame) as front:
        log.info("listens on %s port %d; %d files may be open", settings.host, settings.port, files)
        connections = max(files - OTHER_FILES, files // 2)
        WebServer(front, host=settings.host, port=settings.port, connections=connections).run()


@contextmanager
def building_front(frame: Frame) -> Iterator[Front]:
    """Builds all objects of one web process. On leaving, suggestion sets and duel rounds in progress are
    finished; queued ones are left for the next start, and an import that runs is interrupted.
    """
    settings, clock = frame.feedback(), SystemClock()
    serving = settle_and_log(frame.serving(), frame.trainer())
    settings = settings.model_copy(update={"public_chat": settings.opens_chat(serving.base_model)})
    settings = add_examples(settings, base_model=serving.base_model)
    connections = count_threads(settings.threads) + 4 * settings.suggest_workers + OTHER_CONNECTIONS
    store_engine = open_engine(settings.store_url(), connections=connections)
    fleet = CurrentFleet(serving, frame.data_dir)
    closing, wakeups = threading.Event(), Wakeups()
    describe_base = cache(wait_then_describe(serving, fleet, closing))
    deployer = replace(make_deployer(frame, serving, fleet, store_engine), patience_s=CHECKPOINT_PATIENCE_S)
    suggester = Suggester(
        store_engine=store_engine,
        fleet_factory=fleet,
        serving=serving,
        settings=settings,
        clock=clock,
        compare_share=deployer.policy.canary.compare_share,
        describe_base=describe_base,
        is_awaited=wakeups.is_awaited,
    )
    duel_drawer = DuelDrawer(
        store_engine=store_engine,
        fleet_factory=fleet,
        serving=serving,
        clock=clock,
        describe_base=describe_base,
    )
    filler = CampaignFiller(store_engine=store_engine, data_dir=frame.data_dir, clock=clock)
    helper = make_helper(frame, serving, store_engine, clock, closing)
    note_what_decides(deployer)
    app = create_app(
        settings,
        store_engine=store_engine,
        clock=clock,
        fleet_factory=fleet,
        suggester=suggester,
        duel_drawer=duel_drawer,
        deployer=deployer,
        outlook=frame.outlook(),
        helper=frame.helper(),
        retention_days=frame.trainer().retention_days,
    )
    made: Services = app.extensions[EXTENSION]
    with ExitStack() as ending:
        ending.callback(made.imports.close)
        ending.callback(made.datasets.close)
        ending.callback(made.releaser.close)
        ending.callback(suggester.close)
        ending.callback(duel_drawer.close)
        ending.callback(filler.close)
        if helper is not None:
            ending.callback(helper.close)
        ending.callback(closing.set)
        made.imports.watch()
        made.datasets.sweep()
        suggester.watch()
        duel_drawer.watch()
        filler.watch()
        if helper is not None:
            helper.watch()
        made.releaser.start()
        # Loading takes a second, which the first customer's transaction would otherwise wait for.
        threading.Thread(target=load_identifier, name="languages", daemon=True).start()
        yield ending.enter_context(running_front(app, store_engine, settings, wakeups))


def make_helper(
    frame: Frame, serving: ServingSettings, store_engine: Engine, clock: Clock, closing: threading.Event
) -> HelperLabeller | None:
    """What labels beside people; None where the settings name no helper, or no use of it."""
    settings = frame.helper()
    if not settings.is_on or not settings.uses:
        return None
    helper = Helper(
        store_engine=store_engine,
        settings=settings,
        open_address=lambda: open_address(settings, serving),
        redactor=open_redactor(frame.data_dir),
        clock=clock,
        closing=closing,
    )
    return HelperLabeller(store_engine=store_engine, helper=helper, clock=clock)


def note_what_decides(deployer: Deployer) -> None:
    """Stores which policy is in force from this start on. Failures of the store are only logged here; other
    code reports them.
    """
    try:
        if note_policy_change(deployer.store_engine, deployer.policy, now=deployer.clock.now()):
            log.info("policy %s is in force (%s)", deployer.policy.name, deployer.policy.sha256[:16])
    except (ApiError, SQLAlchemyError) as fault:
        log.warning("which policy is in force could not be written down: %s", fault)


def wait_then_describe(
    serving: ServingSettings, fleet: CurrentFleet, closing: threading.Event
) -> Callable[[], BaseFacts]:
    """A function that waits until the engine serves and then describes the base model. The web starts before
    the engine, and a set begun too early would fail for good; one that rests is not waited for.
    """

    def describe() -> BaseFacts:
        deadline = time.monotonic() + serving.ready_timeout_s
        while time.monotonic() < deadline and not closing.is_set():
            try:
                if fleet().is_ready():
                    break
            except EngineResting:
                break
            except ServingError:
                pass
            closing.wait(POLL_EVERY_S)
        return describe_base_model(serving)

    return describe


if __name__ == "__main__":
    main()
