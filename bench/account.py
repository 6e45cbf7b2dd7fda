"""How long an adapter's page takes with a long history compared to a short one, and what the trainer's fit
costs.

    python -m bench.account [--short 1000] [--long 100000]

Both histories are suggestion sets of two base and two tuned replies, each with a pick by one of six agents,
written as rows. Records and fits are made from them as the migration and the trainer do it. Then the pages of
both adapters are requested in turn, in one process and without a network, on SQLite and PostgreSQL;
`time_ratio` is the larger ratio.
"""

import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Engine, insert
from sqlmodel import SQLModel

from bench.postgres import on_each_database
from bench.report import FigureValues, make_parser, print_report
from feedback.app import create_app
from feedback.clock import SystemClock
from feedback.experiments.fits import renew_fits
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.migrations import upgrade
from feedback.settings import FeedbackSettings
from feedback.store.derived_records import renew_all
from feedback.store.desks import ensure_desk
from feedback.store.engine import batched, open_engine, unit_of_work
from feedback.store.tables import (
    DEFAULT_DESK,
    Adapter,
    Candidate,
    Conversation,
    Judgement,
    Message,
    SuggestionSet,
    Turn,
)
from feedback.store.users import create_token, create_user

START = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = 25  # times for each page
SHORT, LONG = "tuned-20260101-1", "tuned-20260101-2"
Row = tuple[type[SQLModel], dict[str, Any]]
AGENTS = ("ann", "ben", "cy", "dee", "eve", "fay")
ARMS = ("base", "base", "tuned", "tuned")
WORDS = "we have sent your parcel today and it will reach you soon with our best regards".split()


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--short", type=int, default=1_000, help="judgements  [default: 1000]")
    parser.add_argument("--long", type=int, default=100_000, help="judgements  [default: 100000]")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:

        def measure(database: str, url: str) -> FigureValues:
            return measure_accounts(database, url, Path(folder), asked.short, asked.long)

        figures = on_each_database(Path(folder), measure)
    ratios = [value for name, value in figures.items() if name.startswith("time_ratio_") and value]
    notes = {
        "time_ratio": f"of an adapter's page at {asked.long} judgements over {asked.short}",
        **{f"derive_ms_{name}": "a judgement, as the migration does it" for name in ("sqlite", "postgresql")},
    }
    print_report("account", {"time_ratio": max(ratios), **figures}, notes=notes)


def measure_accounts(database: str, url: str, folder: Path, short: int, long: int) -> FigureValues:
    upgrade(url)
    engine = open_engine(url)
    try:
        with unit_of_work(engine) as session:
            ensure_desk(session, now=START)
        for adapter, judgements in ((SHORT, short), (LONG, long)):
            write_history(engine, adapter, judgements)
        began = time.perf_counter()
        renew_all(engine)
        derived = time.perf_counter()
        renew_fits(engine, policy=RolloutPolicy(), clock=SystemClock())
        fitted = time.perf_counter()
        brief, whole = time_pages(engine, folder)
    finally:
        engine.dispose()
    return {
        f"time_ratio_{database}": whole / brief,
        f"page_ms_{short}_{database}": 1000 * brief,
        f"page_ms_{long}_{database}": 1000 * whole,
        f"derive_ms_{database}": 1000 * (derived - began) / (short + long),
        f"fit_s_{database}": fitted - derived,
    }


def write_history(engine: Engine, adapter: str, judgements: int) -> None:
    draw = random.Random(adapter)
    named = Adapter(
        name=adapter,
        desk_id=DEFAULT_DESK,
        state="live",
        base_id="b" * 64,
        manifest_sha256="f" * 64,
        created_at=START,
    )
    with unit_of_work(engine) as session:
        session.add(named)
    for batch in batched(range(judgements)):
        rows = [row for number in batch for row in make_judged(draw, adapter, number)]
        with unit_of_work(engine) as session:
            for table in (Conversation, Message, Turn, SuggestionSet, Candidate, Judgement):
                session.execute(insert(table), [values for of, values in rows if of is table])


def make_judged(draw: random.Random, adapter: str, number: int) -> Iterator[Row]:
    """The rows of one conversation that was answered with a picked suggestion."""
    at = START + timedelta(seconds=number)
    usual: dict[str, Any] = {"desk_id": DEFAULT_DESK, "created_at": at}
    conversation, message, turn, shown = (draw_id(draw) for _ in range(4))
    tags = draw.sample(["vip", "b2b", "intent:refund", "intent:status"], draw.randint(0, 2))
    language = draw.choice(["en", "zh"])
    yield fill_row(Conversation, usual, id=conversation, language=language, tags=tags, customer_details=[])
    said = {"position": 0, "role": "customer", "text": "Where is it?", "occurred_at": at}
    yield fill_row(Message, usual, id=message, conversation_id=conversation, **said)
    answered = {"message_id": message, "state": "answered"}
    yield fill_row(Turn, usual, id=turn, conversation_id=conversation, **answered)
    asked = {
        "slot_seed": number,
        "resampled_arm": "base",
        "messages": [{"role": "user", "content": "Where is it?"}],
        "chat_template_kwargs": {},
        "sampling": {},
        "requests": [],
    }
    drawn = {"turn_id": turn, "conversation_id": conversation, "design": "2+2", "adapter": adapter}
    yield fill_row(SuggestionSet, usual, id=shown, state="judged", revealed_at=at, **drawn, **asked)
    cards = [draw_id(draw) for _ in ARMS]
    for slot, arm in enumerate(draw.sample(ARMS, len(ARMS))):
        text = f"{slot} {' '.join(draw.sample(WORDS, draw.randint(5, 12)))}"
        wrote = {
            "arm": arm,
            "adapter": adapter if arm == "tuned" else None,
            "request_no": 0,
            "sample_no": slot,
        }
        desk = {"desk_id": DEFAULT_DESK}
        yield fill_row(Candidate, desk, id=cards[slot], set_id=shown, slot=slot, text=text, **wrote)
    picked = {"kind": "pick", "agent": draw.choice(AGENTS), "candidate_id": draw.choice(cards)}
    given = {"closes_attempt": 1, "candidate_ids": [], "reasons": [], "occurred_at": at}
    yield fill_row(Judgement, usual, id=draw_id(draw), set_id=shown, turn_id=turn, **picked, **given)


def fill_row(table: type[SQLModel], usual: dict[str, Any], **values: Any) -> Row:
    return table, usual | values


def draw_id(draw: random.Random) -> str:
    return str(UUID(int=draw.getrandbits(128), version=4))


def time_pages(engine: Engine, folder: Path) -> tuple[float, float]:
    """Median seconds for the page with the short history and for the page with the long one."""
    app = create_app(
        FeedbackSettings(data_dir=folder, secret_key="k" * 40), store_engine=engine, clock=SystemClock()
    )
    with unit_of_work(engine) as session:
        person = create_user(session, desk_id=DEFAULT_DESK, name="eva", role="expert", now=START)
        token = create_token(
            session, desk_id=DEFAULT_DESK, name="eva", role="expert", now=START, user_id=person.id
        )
    spent: dict[str, list[float]] = {SHORT: [], LONG: []}
    for _ in range(ASKED):
        for adapter, seconds in spent.items():
            seconds.append(ask_page(app, token, adapter))
    return median(spent[SHORT]), median(spent[LONG])


def ask_page(app: Flask, token: str, adapter: str) -> float:
    began = time.perf_counter()
    answer = app.test_client().get(
        f"/console/adapters/{adapter}", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.status
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
