"""A whole web application on a store, with a token for each role and helpers that speak the HTTP contract.

Sets are written by `put_set` in the form that the suggester leaves behind; the suggester itself has tests
of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import Engine
from sqlmodel import select

from feedback.app import create_app
from feedback.settings import FeedbackSettings
from feedback.store import users
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Candidate, SuggestionSet, Turn
from feedback.web.services import EXTENSION
from tests.clock import FrozenClock
from tests.databases import START

KEY = "k" * 40
TEXTS = ("Base one.", "Tuned one.", "Base two.", "Tuned two.")
ARMS = ("base", "tuned", "base", "tuned")


class DeskClock(FrozenClock):
    """When its time passes, the desk's own clockwork runs."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.on_advance: list[Callable[[], None]] = []

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        for tick in self.on_advance:
            tick()


@dataclass
class Desk:
    """`tokens` has one per role; two agents, ann (`agent`) and ben."""

    app: Flask
    engine: Engine
    clock: FrozenClock
    tokens: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, role: str | None = "app", **body: Any):
        """One request; a post gets an event id unless one is given. `role` may be a token itself."""
        headers = {"Authorization": f"Bearer {self.tokens.get(role, role)}"} if role else {}
        if method == "GET":
            return self.app.test_client().get(path, headers=headers)
        if method == "PUT":
            return self.app.test_client().put(path, headers=headers, json=body)
        return self.app.test_client().post(path, headers=headers, json={"event_id": str(uuid4()), **body})

    def post(self, path: str, role: str | None = "app", **body: Any):
        return self.call("POST", path, role, **body)

    def put(self, path: str, role: str | None = "app", **body: Any):
        return self.call("PUT", path, role, **body)

    def get(self, path: str, role: str | None = "app"):
        return self.call("GET", path, role)

    def say(self, opened: dict[str, Any], role: str, text: str, by: str = "app", **body: Any):
        """A message in this conversation: `role` is whose it is, `by` who sends it."""
        path = f"/v1/conversations/{opened['conversation_id']}/messages"
        return self.app.test_client().post(
            path,
            headers={"Authorization": f"Bearer {self.tokens.get(by, by)}"},
            json={"event_id": str(uuid4()), "role": role, "text": text, **body},
        )

    def open(self, *texts: str, **fields: Any) -> dict[str, Any]:
        """A conversation in which the customer wrote these texts."""
        messages = [{"role": "customer", "text": text} for text in texts or ("Where is my order 1042?",)]
        answer = self.post("/v1/conversations", messages=messages, **fields)
        assert answer.status_code == 201, answer.text
        return answer.json

    def open_ready(self, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A conversation whose set is ready and revealed, and what the agent sees of it."""
        opened = self.open()
        put_set(self.engine, opened["turn_id"], **fields)
        return opened, self.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json

    def judge(self, shown: dict[str, Any], kind: str, role: str = "agent", **body: Any):
        return self.post(f"/v1/sets/{shown['set_id']}/judgements", role, kind=kind, **body)

    def pick(self, shown: dict[str, Any], index: int = 0, role: str = "agent", **body: Any):
        return self.judge(
            shown, "pick", role, candidate_id=shown["candidates"][index]["candidate_id"], **body
        )

    def messages(self, opened: dict[str, Any], role: str = "app", query: str = "") -> list[dict[str, Any]]:
        answer = self.get(f"/v1/conversations/{opened['conversation_id']}/messages{query}", role)
        assert answer.status_code == 200, answer.text
        return answer.json["messages"]

    def rows(self, table: type, **where: Any) -> list[Any]:
        with read(self.engine) as session:
            return list(session.exec(select(table).filter_by(**where)).all())

    def row(self, table: type, **where: Any) -> Any:
        (found,) = self.rows(table, **where)
        return found


def make_desk(
    engine: Engine, tmp_path: Any, suggester: Any = None, duel_drawer: Any = None, **settings: Any
) -> Desk:
    clock = DeskClock(START)
    made = FeedbackSettings(data_dir=tmp_path, secret_key=KEY, **{"public_chat": True, **settings})
    app = create_app(made, store_engine=engine, clock=clock, suggester=suggester, duel_drawer=duel_drawer)
    clock.on_advance.append(app.extensions[EXTENSION].releaser.tick)
    desk = Desk(app, engine, clock)
    with unit_of_work(engine) as session:
        for name, role in (
            ("ann", "agent"),
            ("ben", "agent"),
            ("eva", "expert"),
            ("ada", "admin"),
            ("lee", "labeller"),
        ):
            person = users.create_user(session, desk_id="default", name=name, role=role, now=START)
            desk.users[name] = person.id
            token = users.create_token(
                session, desk_id="default", name=name, role=role, now=START, user_id=person.id
            )
            desk.tokens |= {name: token, role: desk.tokens.get(role, token)}
        desk.tokens["app"] = users.create_token(
            session, desk_id="default", name="shop", role="app", now=START
        )
    return desk


def add_strangers(desk: Desk, texts: Sequence[str]) -> list[str]:
    """A conversation each, as /chat/start opens it, a millisecond apart; the ids of their turns."""
    turn_ids = []
    with unit_of_work(desk.engine) as session:
        for number, text in enumerate(texts):
            opened = open_conversation(
                session,
                desk_id=DEFAULT_DESK,
                now=desk.clock.now() + timedelta(milliseconds=number),
                messages=[IncomingMessage("customer", text)],
                stranger_hash=f"{number:064x}",
            )
            assert opened.turn is not None
            turn_ids.append(opened.turn.id)
    desk.clock.advance(len(texts) / 1000)
    return turn_ids


def put_set(
    engine: Engine, turn_id: str, *, state: str = "ready", texts=TEXTS, arms=ARMS, states=None, messages=()
) -> str:
    """A set as the suggester leaves it: ready with its candidates, failed, or still preparing."""
    with unit_of_work(engine) as session:
        turn = session.get_one(Turn, turn_id)
        row = SuggestionSet(
            desk_id=turn.desk_id,
            turn_id=turn_id,
            conversation_id=turn.conversation_id,
            attempt=turn.attempt,
            state=state,
            design="2+2",
            adapter="tuned-20261122-1",
            slot_seed=7,
            resampled_arm="base",
            messages=list(messages),
            error="engine_unreachable" if state == "failed" else None,
            created_at=START,
            prepared_at=None if state == "preparing" else START,
        )
        session.add(row)
        session.flush()
        for slot, (text, arm) in enumerate(zip(texts, arms, strict=True) if state == "ready" else ()):
            adapter = row.adapter if arm == "tuned" else None
            session.add(
                Candidate(
                    desk_id=turn.desk_id,
                    set_id=row.id,
                    slot=slot,
                    arm=arm,
                    adapter=adapter,
                    request_no=slot % 2,
                    sample_no=slot // 2,
                    text=text,
                    state=states[slot] if states else "ready",
                )
            )
        return row.id
