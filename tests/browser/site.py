"""The real application behind a real port, with the fake engine behind it: what the browser tests drive."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Response, request
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from feedback.app import create_app
from feedback.clock import SystemClock
from feedback.deployment.deploy import Deployer
from feedback.deployment.policy import Policy
from feedback.duels.drawing import DuelDrawer
from feedback.helper.settings import HelperSettings
from feedback.settings import FeedbackSettings
from feedback.store import users
from feedback.store.desks import add_system_prompt, ensure_desk
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, Adapter, Deployment, Judgement, Message, Thumb, Turn
from feedback.suggestions.suggester import BaseFacts, Suggester
from feedback.web.services import EXTENSION, Services
from feedback.web.wakeups import Wakeups
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.errors import EngineResting
from serving.settings import ServingSettings
from tests.databases import open_sqlite, read_empty_store
from tests.feedback.web.serving import serving_desk

UNDO_S = 2.0  # shorter than in life, so that tests wait less
LONG_S = 120.0  # nothing goes before a test lets this time pass, however busy the machine is


class SkippingClock(SystemClock):
    """The machine's, except that a test may let time pass at once."""

    def __init__(self) -> None:
        self._skipped = 0.0
        super().__init__(read_monotonic=lambda: time.monotonic() + self._skipped)

    def skip(self, seconds: float) -> None:
        self._skipped += seconds


@dataclass
class Site:
    url: str
    engine: FakeEngine
    store: Engine
    settings: FeedbackSettings
    clock: SkippingClock
    said: list[tuple[str, str]] = field(default_factory=list)  # path; headers and body, static files left out
    rests: list[EngineResting] = field(default_factory=list)  # what who looks for the engine is told

    def sign_in_link(self, name: str, role: str) -> str:
        now = SystemClock().now()
        with unit_of_work(self.store) as session:
            person = users.ensure_user(session, desk_id=DEFAULT_DESK, name=name, role=role, now=now)
            code = users.create_sign_in_link(session, desk_id=DEFAULT_DESK, user_id=person.id, now=now)
        return f"{self.url}/sign-in/{code}"

    def expire_claims(self) -> None:
        """Take every claim away. A page claims while its agent types on, so the claim is awaited first."""
        deadline = time.monotonic() + 60
        while not self._take_claims():
            assert time.monotonic() < deadline, "no page has claimed a turn"
            time.sleep(0.02)

    def _take_claims(self) -> int:
        with unit_of_work(self.store) as session:
            claimed = session.exec(select(Turn).where(col(Turn.claimed_by).is_not(None))).all()
            for turn in claimed:
                turn.claimed_by = turn.claimed_at = None
            return len(claimed)

    def judgements(self) -> list[Judgement]:
        with Session(self.store) as session:
            return list(session.exec(select(Judgement).order_by(Judgement.created_at)))

    def messages(self, role: str = "agent") -> list[Message]:
        with Session(self.store) as session:
            return list(
                session.exec(select(Message).where(Message.role == role).order_by(Message.created_at))
            )

    def thumbs(self) -> list[Thumb]:
        with Session(self.store) as session:
            return list(session.exec(select(Thumb).order_by(Thumb.created_at)))

    def deploy(self, adapter: str) -> None:
        """Serve a tuned version, as a deployment row and a name that the engine knows."""
        now = SystemClock().now()
        self.engine.adapters[adapter] = "(test)"
        with unit_of_work(self.store) as session:
            row = Adapter(
                name=adapter,
                desk_id=DEFAULT_DESK,
                state="live",
                base_id="b" * 64,
                manifest_sha256="f" * 64,
                created_at=now,
            )
            session.add(row)
            session.flush()
            session.add(
                Deployment(
                    desk_id=DEFAULT_DESK,
                    role="live",
                    adapter=adapter,
                    fencing_token=1,
                    actor="test",
                    reason="test",
                    at=now,
                )
            )


@contextmanager
def run_site(
    data_dir: Path,
    *,
    engine: FakeEngine,
    undo_window_s: float = UNDO_S,
    two_answers: bool = False,
    port: int = 0,
    public_chat: bool = True,
    trusted_hosts: tuple[str, ...] = (),
    policy: Policy | None = None,
    helper: HelperSettings | None = None,
) -> Iterator[Site]:
    """`policy` is in force where one is given: then adapters can be promoted and rolled back."""
    settings = FeedbackSettings(
        data_dir=data_dir,
        undo_window_s=undo_window_s,
        two_answers=two_answers,
        public_chat=public_chat,
        trusted_hosts=trusted_hosts,
    )
    path = data_dir / "rejoinder.db"
    assert settings.store_url() == f"sqlite:///{path}"
    path.write_bytes(read_empty_store())
    store = open_sqlite(path)
    with unit_of_work(store) as session:
        ensure_desk(session, now=SystemClock().now())
        add_system_prompt(
            session, desk_id=DEFAULT_DESK, text="You help the customers of a shop.", now=SystemClock().now()
        )
    serving = ServingSettings(data_dir=data_dir, backend="cpu", request_timeout_s=30)
    fleet = Fleet.from_endpoints([engine.endpoint], serving)
    rests: list[EngineResting] = []

    def find_fleet() -> Fleet:
        if rests:
            raise rests[-1]
        return fleet

    wakeups = Wakeups()
    suggester = Suggester(
        store_engine=store,
        fleet_factory=find_fleet,
        serving=serving,
        settings=settings,
        clock=SystemClock(),
        describe_base=lambda: BaseFacts("b" * 64, "t" * 64),
        is_awaited=wakeups.is_awaited,
    )
    duel_drawer = DuelDrawer(
        store_engine=store,
        fleet_factory=lambda: fleet,
        serving=serving,
        clock=SystemClock(),
        describe_base=lambda: BaseFacts("b" * 64, "t" * 64),
    )
    clock = SkippingClock()
    deployer = None
    if policy is not None:
        nowhere = serving.model_copy(
            update={"base_model": str(data_dir / "no-base")}
        )  # as remote engines have it
        deployer = Deployer(store, lambda: fleet, nowhere, data_dir, clock, policy)
    app = create_app(
        settings,
        store_engine=store,
        clock=clock,
        fleet_factory=find_fleet,
        suggester=suggester,
        duel_drawer=duel_drawer,
        deployer=deployer,
        helper=helper,
    )
    said: list[tuple[str, str]] = []

    @app.after_request
    def remember(answer: Response) -> Response:
        if request.endpoint != "static":
            said.append((request.path, f"{answer.headers}\n{answer.get_data(as_text=True)}"))
        return answer

    made: Services = app.extensions[EXTENSION]
    made.releaser.start()
    try:
        with serving_desk(app, store, settings, wakeups=wakeups, port=port) as served:
            yield Site(served.url, engine, store, settings, clock, said, rests)
    finally:
        made.imports.close()
        made.datasets.close()
        made.releaser.close()
        duel_drawer.close()
        suggester.close()
        fleet.close()
        store.dispose()
