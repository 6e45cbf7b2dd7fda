"""What a test may see and an agent may not: arms in the store, the engine itself."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from sqlmodel import Session, select

from bench.instance import Service
from demo.prompts import FIXED_PROMPTS
from feedback.store.engine import open_engine
from feedback.store.tables import Candidate, SuggestionSet
from serving.client.client import Sampling
from serving.client.endpoint import read_endpoints
from serving.client.fleet import Fleet
from serving.settings import ServingSettings

GREEDY = Sampling(
    temperature=0.0,
    top_p=1.0,
    top_k=-1,
    min_p=0.0,
    repetition_penalty=1.0,
    presence_penalty=0.0,
    frequency_penalty=0.0,
    max_tokens=64,
)


@contextlib.contextmanager
def reading(service: Service) -> Iterator[Session]:
    engine = open_engine(f"sqlite:///{service.data_dir / 'rejoinder.db'}")
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()


@contextlib.contextmanager
def asking(service: Service) -> Iterator[Fleet]:
    """The engine itself, past the service."""
    settings = ServingSettings(data_dir=service.data_dir, request_timeout_s=600)  # the machine may be busy
    fleet = Fleet.from_endpoints(read_endpoints(settings, service.data_dir), settings)
    try:
        yield fleet
    finally:
        fleet.close()


def generate_greedy(fleet: Fleet, model: str, *, prompts: int = 8) -> list[str]:
    """One greedy reply to each of the first fixed prompts, one after the other."""
    draws = [
        fleet.generate(
            model=model,
            messages=[dict(message) for message in messages],
            sampling=GREEDY,
            seed=1,
            n=1,
            chat_template_kwargs={},
        )
        for messages in FIXED_PROMPTS[:prompts]
    ]
    return [draw.replies[0].text for draw in draws]


def read_arms(service: Service, set_id: str) -> tuple[str, Counter[str]]:
    """The design of a set and how many candidates each arm has in it."""
    with reading(service) as session:
        design = session.exec(select(SuggestionSet.design).where(SuggestionSet.id == set_id)).one()
        arms = session.exec(select(Candidate.arm).where(Candidate.set_id == set_id)).all()
    return design, Counter(arms)
