"""Keeps Flask's session in the store instead of the cookie, so that the server can end it.

The cookie holds 256 random bits and nothing else. Signing in creates a new id, against session fixation;
signing out deletes the row at once. A session without a signed-in user (the CSRF token of the sign-in page)
is a signed cookie for two hours, so just viewing the page writes nothing into the store. That cookie has a
name of its own: the sign-in page of one tab may arrive after somebody signed in at another.
"""

from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Engine
from werkzeug.datastructures import CallbackDict

from feedback.clock import Clock
from feedback.store import web_sessions
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK

COOKIE = "rejoinder_session"
NOBODY_COOKIE = "rejoinder_nobody"
NOBODY_S = 2 * 3_600


class StoreSession(CallbackDict[str, Any], SessionMixin):
    """The data of one browser session. `cookie` is None until it is stored."""

    def __init__(self, data: dict[str, Any] | None = None, cookie: str | None = None) -> None:
        super().__init__(data or {}, _mark_modified)
        self.cookie = cookie
        self.modified = False
        self.accessed = True
        self.renewed = False  # needs a new id after signing in or out


def _mark_modified(changed: Any) -> None:
    changed.modified = True


def begin_signed_in(
    session: StoreSession, *, user_id: str | None = None, token_id: str | None = None
) -> None:
    """Makes this browser the session of the user (or token holder), under a new session id."""
    session.clear()
    session.update({k: v for k, v in {"user_id": user_id, "token_id": token_id}.items() if v is not None})
    session.renewed = True


def begin_signed_out(session: StoreSession) -> None:
    session.clear()
    session.renewed = True


def is_signed_in(session: StoreSession) -> bool:
    return "user_id" in session or "token_id" in session


class StoreSessions(SessionInterface):
    def __init__(self, engine: Engine, clock: Clock, *, days: float) -> None:
        self._engine = engine
        self._clock = clock
        self._days = days

    def open_session(self, app: Flask, request: Request) -> StoreSession:
        if "Authorization" in request.headers or request.path.startswith("/static/"):
            return StoreSession()
        if cookie := request.cookies.get(self._name(request, COOKIE)):
            with read(self._engine) as store:
                row = web_sessions.find_session(store, cookie=cookie, now=self._clock.now())
            if row:
                return StoreSession(dict(row.data), cookie)
        signed = request.cookies.get(self._name(request, NOBODY_COOKIE), "")
        return StoreSession(self._read_nobody(app, signed))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        from flask import request  # Flask's interface passes only the response

        assert isinstance(session, StoreSession)
        if not session.modified and not session.renewed:
            return
        now, name, secure = self._clock.now(), self._name(request, COOKIE), request.is_secure
        if session.cookie is None and not is_signed_in(session):
            if session:
                name = self._name(request, NOBODY_COOKIE)
                signed = str(self._signer(app).dumps([dict(session), now.timestamp() + NOBODY_S]))
                response.set_cookie(
                    name, signed, max_age=NOBODY_S, path="/", secure=secure, httponly=True, samesite="Lax"
                )
                response.vary.add("Cookie")
            return
        with unit_of_work(self._engine) as store:
            if session.renewed and session.cookie:
                web_sessions.end_web_session(store, cookie=session.cookie, now=now)
            if session.cookie and not session.renewed:
                web_sessions.update_session(store, cookie=session.cookie, data=dict(session), now=now)
                return
            if not session:
                response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")
                return
            cookie = web_sessions.start_session(
                store,
                desk_id=DEFAULT_DESK,
                user_id=session.get("user_id"),
                data=dict(session),
                now=now,
                days=self._days,
            )
        max_age = int(self._days * 86_400)
        response.set_cookie(
            name, cookie, max_age=max_age, path="/", secure=secure, httponly=True, samesite="Lax"
        )
        response.vary.add("Cookie")

    def _read_nobody(self, app: Flask, signed: str) -> dict[str, Any]:
        try:
            data, until = self._signer(app).loads(signed)
        except BadSignature:
            return {}
        return dict(data) if until > self._clock.now().timestamp() else {}

    @staticmethod
    def _signer(app: Flask) -> URLSafeSerializer:
        return URLSafeSerializer(str(app.secret_key), salt="session of nobody")

    @staticmethod
    def _name(request: Request, cookie: str) -> str:
        return f"__Host-{cookie}" if request.is_secure else cookie
