"""A store, an engine that speaks real HTTP, and a suggester between them: what tests of sets work with."""

import random
import time
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlmodel import select

from feedback.settings import FeedbackSettings
from feedback.store.changes import turn_topic
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Candidate, SuggestionSet
from feedback.suggestions.plan import BaseFacts
from feedback.suggestions.suggester import Suggester
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.feedback.builders import BASE_ID, DESK, NOW, add_adapter, add_turn

ADAPTER = "tuned-20261122-1"
OLD, NEW = "tuned-20261120-1", "tuned-20261121-1"
DEADLINE_S = 60


@dataclass
class SetDesk:
    """A store, an engine and a suggester between them."""

    store: Engine
    engine: FakeEngine
    suggester: Suggester
    clock: FrozenClock
    serving: ServingSettings
    fleet: Fleet
    awaited: set[str] = field(default_factory=set)  # topics that somebody waits for

    def close(self) -> None:
        self.suggester.close()
        self.fleet.close()

    def ask(self, *texts: str, **message) -> str:
        with unit_of_work(self.store) as session:
            return add_turn(session, texts or ("Where is my order 1042?",), **message).id

    def prepare(self, turn_id: str, within_s: float = 60) -> SuggestionSet:
        """The set of this turn, once it is prepared for somebody who waits for it."""
        self.awaited.add(turn_topic(turn_id))
        self.suggester.enqueue(turn_id)
        assert self.wait(turn_id, within_s)
        return self.read_set(turn_id)

    def wait(self, turn_id: str, within_s: float = 60) -> bool:
        """Whether the set is prepared in time; looked after as a reader who waits looks after it."""
        deadline = time.monotonic() + within_s
        while not self.suggester.ensure_set(turn_id):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def read_set(self, turn_id: str) -> SuggestionSet | None:
        with read(self.store) as session:
            return session.exec(select(SuggestionSet).where(SuggestionSet.turn_id == turn_id)).one_or_none()

    def read_candidates(self, set_id: str) -> list[Candidate]:
        with read(self.store) as session:
            query = select(Candidate).where(Candidate.set_id == set_id).order_by(Candidate.slot)
            return list(session.exec(query).all())

    def deploy(self, name: str = ADAPTER, *, role: str = "canary", is_loaded: bool = True, **fields) -> None:
        weights = self.serving.data_dir / "adapters" / name / "weights"
        weights.mkdir(parents=True)
        (weights / "adapter_config.json").write_text("{}")
        with unit_of_work(self.store) as session:
            add_adapter(session, name, role, **fields)
            add_deployment(session, desk_id=DESK, role=role, adapter=name, actor="t", reason="t", now=NOW)
        if is_loaded:
            self.engine.adapters[name] = str(weights.resolve())

    def asked(self) -> list[dict]:
        return [body for path, body in self.engine.requests if path == "/v1/chat/completions"]


def build(
    store, engine, tmp_path, *, compare_share: float = 0.0, max_tokens: int = 96, **settings
) -> SetDesk:
    clock = FrozenClock(NOW)
    serving = ServingSettings(backend="cpu", data_dir=tmp_path, request_timeout_s=30, max_tokens=max_tokens)
    fleet = Fleet.from_endpoints([engine.endpoint], serving)
    given = {"set_deadline_s": DEADLINE_S, "suggest_workers": 2} | settings
    awaited: set[str] = set()
    suggester = Suggester(
        store_engine=store,
        fleet_factory=lambda: fleet,
        serving=serving,
        settings=FeedbackSettings(data_dir=tmp_path, **given),
        clock=clock,
        compare_share=compare_share,
        randbelow=random.Random(7).randrange,
        describe_base=lambda: BaseFacts(BASE_ID, "t" * 64),
        is_awaited=awaited.__contains__,
    )
    return SetDesk(store, engine, suggester, clock, serving, fleet, awaited)
