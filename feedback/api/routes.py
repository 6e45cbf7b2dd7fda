"""The four ways to declare a call of the API: `get`, `write` (idempotent by event id, one transaction), `put`
(a current state, one transaction, no event) and `call_engine` (idempotent by event id, several transactions
of its own).

Each checks in this order: the caller, their role, the ids in the path, the body and its shape. Then it runs
the view, unless the event id was seen before, and sends the answer. The declaration also feeds /openapi.json
and the test of every route with every role, so neither can be forgotten. How to add a call: see
`feedback/api/__init__.py`.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from feedback.actor import Actor
from feedback.api.requests import check_body, check_ids, read_json, read_request_query
from feedback.api.schemas import Answer, Body, PutBody, Query
from feedback.errors import ApiError
from feedback.store.engine import read, unit_of_work
from feedback.store.events import Answer as StoredAnswer
from feedback.store.events import IdempotentWrite, find_answer, hash_body, store_answer
from feedback.web.auth import require_actor
from feedback.web.services import services

P = ParamSpec("P")
B = TypeVar("B", bound=Body)
S = TypeVar("S", bound=PutBody)
Q = TypeVar("Q", bound=Query)
Roles = tuple[str, ...]
AnyBody = Body | PutBody
Own = Mapping[str, type[AnyBody]]
Reveal = Callable[[dict[str, Any]], dict[str, Any]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Route:
    """The declaration of a call, for /openapi.json and for the tests. The view function has it as
    `.route`.
    """

    method: str
    path: str
    roles: Roles
    status: int
    answer: type[BaseModel] | str  # a media type for answers that are no JSON object
    body: type[AnyBody] | None = None
    query: type[Query] | None = None
    summary: str = ""
    own: Own = field(default_factory=dict)  # role -> a smaller body than `body`

    def body_of(self, role: str) -> type[AnyBody] | None:
        """The body that this role may send."""
        return self.own.get(as_own(role), self.body)


def as_own(role: str) -> str:
    """The role whose body this role uses: an expert uses the agent's."""
    return "agent" if role == "expert" else role


class NoQuery(Query):
    """For calls without parameters: any parameter is refused, so that a misspelt one is never ignored."""


@dataclass
class Read(Generic[Q]):
    """A reading call. Open short transactions with `call.read()`; no transaction is open while the call
    waits.
    """

    actor: Actor
    now: datetime
    query: Q

    def read(self) -> AbstractContextManager[Session]:
        return read(services().store_engine)


class Write:
    """A writing call, run inside one transaction."""

    session: Session

    now: datetime

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._after: list[Callable[[], object]] = []

    def after_commit(self, then: Callable[[], object]) -> None:
        """Registers a function to run after the commit: wake-ups and anything that uses the network."""
        self._after.append(then)

    def run(self, event_id: str, body_hash: str, view: Callable[[], tuple[int, Answer]]) -> StoredAnswer:
        """Runs the view and what it registered for after the commit; a repeated event gets its stored answer.

        Almost all writes are new, so nothing is looked up first. A repeated event fails, on its unique key or
        because its first run changed the state; only then is its stored answer looked up.
        """
        said = IdempotentWrite(self.actor.desk_id, event_id, body_hash, self.actor.key)
        try:
            with unit_of_work(services().store_engine) as self.session:
                self.now = services().clock.now()  # after taking the lock: rows are in time order
                status, shape = view()
                answered = status, shape.model_dump(mode="json")
                store_answer(self.session, said=said, answer=answered, now=self.now)
        except (ApiError, IntegrityError):
            stored = _find_stored(said)
            if stored is None:
                raise
            return stored
        self._run_after_commit()
        return answered

    def state(self, view: Callable[[], Answer]) -> dict[str, Any]:
        """The view's answer. No event is stored: repeating the call leaves the same state."""
        with unit_of_work(services().store_engine) as self.session:
            self.now = services().clock.now()
            stated = view().model_dump(mode="json")
        self._run_after_commit()
        return stated

    def _run_after_commit(self) -> None:
        for then in self._after:
            try:
                then()
            except Exception:  # the row is committed, and the sweep at start-up repeats this: no failure
                log.exception("after the commit of a call by %s", self.actor.key)


@dataclass(frozen=True)
class EngineCall:
    """A call that talks to the engine; its view opens short transactions itself."""

    actor: Actor
    now: datetime
    event_id: str


def get(
    bp: Blueprint,
    path: str,
    *,
    roles: Roles,
    answer: type[Answer] | str,
    query: type[Q] = NoQuery,  # type: ignore[assignment]
) -> Callable[[Callable[Concatenate[Read[Q], P], Answer | Response]], Callable[..., AnyResponse]]:
    """Declares a reading call. The view gets the call and the ids in the path."""

    def decorate(view: Callable[Concatenate[Read[Q], P], Answer | Response]) -> Callable[..., AnyResponse]:
        @wraps(view)
        def call(**ids: Any) -> AnyResponse:
            actor = _enter(roles, ids)
            asked = Read(actor, services().clock.now(), read_request_query(query))
            result = view(asked, **ids)  # type: ignore[call-arg]
            return result if isinstance(result, Response) else _send(200, result.model_dump(mode="json"))

        return _declare(bp, call, Route("GET", path, roles, 200, answer, query=query, summary=_summary(view)))

    return decorate


def write(
    bp: Blueprint,
    path: str,
    *,
    roles: Roles,
    body: type[B],
    answer: type[Answer],
    status: int = 201,
    reveal: Reveal | None = None,
    own: Own | None = None,
) -> Callable[[Callable[Concatenate[Write, B, P], Answer]], Callable[..., AnyResponse]]:
    """Declares an idempotent write in one transaction. `reveal` adds to the stored answer what no row may
    hold. `own` maps a role to a smaller body than `body`: its other fields are refused.
    """

    def decorate(view: Callable[Concatenate[Write, B, P], Answer]) -> Callable[..., AnyResponse]:
        route = Route("POST", path, roles, status, answer, body=body, summary=_summary(view), own=own or {})

        @wraps(view)
        def call(**ids: Any) -> AnyResponse:
            actor = _enter(roles, ids)
            given = _read_body(route, actor)
            said = check_body(body, given)
            body_hash = hash_body("POST", request.path, given | {"event_id": said.event_id})
            at_work = Write(actor)
            code, stored = at_work.run(
                said.event_id,
                body_hash,
                lambda: (status, view(at_work, said, **ids)),  # type: ignore[call-arg]
            )
            return _send(code, reveal(stored) if reveal else stored)

        return _declare(bp, call, route)

    return decorate


def put(
    bp: Blueprint,
    path: str,
    *,
    roles: Roles,
    body: type[S],
    answer: type[Answer],
    own: Own | None = None,
    is_large: bool = False,
) -> Callable[[Callable[Concatenate[Write, S, P], Answer]], Callable[..., AnyResponse]]:
    """Declares a call that sets a current state, in one transaction. For frequent reports of which only the
    latest counts: no event is stored, and repeating the call must leave the same state. `is_large` allows all
    its callers the body of an app.
    """

    def decorate(view: Callable[Concatenate[Write, S, P], Answer]) -> Callable[..., AnyResponse]:
        route = Route("PUT", path, roles, 200, answer, body=body, summary=_summary(view), own=own or {})

        @wraps(view)
        def call(**ids: Any) -> AnyResponse:
            actor = _enter(roles, ids, is_large=is_large)
            said = check_body(body, _read_body(route, actor))
            at_work = Write(actor)
            return _send(200, at_work.state(lambda: view(at_work, said, **ids)))  # type: ignore[call-arg]

        return _declare(bp, call, route)

    return decorate


def call_engine(
    bp: Blueprint, path: str, *, roles: Roles, body: type[B], answer: type[Answer], status: int = 200
) -> Callable[[Callable[Concatenate[EngineCall, B, P], Answer]], Callable[..., AnyResponse]]:
    """Declares an idempotent call that talks to the engine. The event is stored only after success, so the
    view must be safe to repeat.
    """

    def decorate(view: Callable[Concatenate[EngineCall, B, P], Answer]) -> Callable[..., AnyResponse]:
        @wraps(view)
        def call(**ids: Any) -> AnyResponse:
            actor = _enter(roles, ids)
            given = read_json()
            said = check_body(body, given)
            now = services().clock.now()
            body_hash = hash_body("POST", request.path, given | {"event_id": said.event_id})
            event = IdempotentWrite(actor.desk_id, said.event_id, body_hash, actor.key)
            stored = _find_stored(event)
            if stored is None:
                done = view(EngineCall(actor, now, said.event_id), said, **ids)  # type: ignore[call-arg]
                stored = status, done.model_dump(mode="json")
                try:
                    with unit_of_work(services().store_engine) as session:
                        store_answer(session, said=event, answer=stored, now=now)
                except IntegrityError:
                    stored = _find_stored(event) or stored
            return _send(*stored)

        return _declare(
            bp, call, Route("POST", path, roles, status, answer, body=body, summary=_summary(view))
        )

    return decorate


def _read_body(route: Route, actor: Actor) -> dict[str, Any]:
    """The body, checked against the fields that this role may use."""
    given = read_json()
    smaller = route.own.get(as_own(actor.role))
    if smaller is not None:
        check_body(smaller, given)
    return given


def _find_stored(said: IdempotentWrite) -> StoredAnswer | None:
    with read(services().store_engine) as session:
        return find_answer(session, said=said)


def _enter(roles: Roles, ids: dict[str, Any], *, is_large: bool = False) -> Actor:
    actor = require_actor(roles, conversation_id=ids.get("conversation_id"))
    if is_large or actor.role in ("app", "admin"):  # known before the body is read
        request.max_content_length = services().settings.max_body_bytes
    check_ids(ids)
    return actor


def _declare(bp: Blueprint, call: Callable[..., AnyResponse], route: Route) -> Callable[..., AnyResponse]:
    call.route = route  # type: ignore[attr-defined]
    bp.add_url_rule(route.path, endpoint=call.__name__, view_func=call, methods=[route.method])
    return call


def _summary(view: Callable[..., Any]) -> str:
    return (view.__doc__ or view.__name__).strip().splitlines()[0]


def _send(status: int, answer: dict[str, Any]) -> AnyResponse:
    response = jsonify(answer)
    response.status_code = status
    return response
