"""Authentication and authorization: bearer tokens, signed-in pages, visitors of one conversation.

    Authorization: Bearer rj_<role>_...       program or person; no CSRF, nothing rides along by itself
    Authorization: Bearer rj_visitor_...      the customer of one conversation, from their own page
    session cookie + X-CSRFToken              user signed in by a one-time link or by pasting a token

`@allow("agent")` guards a page; calls of the API are guarded by their route (`feedback/api/routes.py`).
Does not render anything.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import Connection

from feedback.actor import VISITOR_PREFIX, Actor
from feedback.errors import CsrfFailed, NotFound, NotPermitted, SignInNeeded, TokenInvalid
from feedback.records.text import check_storable
from feedback.store import users
from feedback.store.conversations import find_visited
from feedback.store.engine import read, read_connection
from feedback.store.tables import User
from feedback.web.services import services

P = ParamSpec("P")
R = TypeVar("R")


SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
csrf = CSRFProtect()


def visitor_token(secret_key: str, conversation_id: str) -> str:
    """The token of a conversation's customer. It is derived, not stored, so that a repeated event gets it
    again.
    """
    digest = hmac.new(secret_key.encode(), f"visitor:{conversation_id}".encode(), hashlib.sha256).hexdigest()
    return VISITOR_PREFIX + digest


def actor_from_visitor_token(connection: Connection, token: str) -> Actor | None:
    """The customer that this token names, or None for an unknown token. For the customer's own page."""
    found = find_visited(connection, token=token)
    if found is None:
        return None
    return Actor(
        "visitor",
        "visitor",
        found.desk_id,
        name="visitor",
        conversation_id=found.id,
        language=found.language,
        is_stranger=found.stranger_hash is not None,
    )


def actor_from_token(connection: Connection, token: str) -> Actor | None:
    """The program or person that this API token names; None for an unknown or revoked token."""
    holder = users.find_token(connection, token=token)
    return None if holder is None else _actor_of(holder)


def _actor_of(holder: users.Holder) -> Actor:
    _, name, role, desk_id, user_id, language = holder
    return Actor("token", role, desk_id, name, user_id, language=language)


def find_actor() -> Actor | None:
    """Who sends this request; None without credentials. A wrong token raises an error instead."""
    if "actor" not in g:
        g.actor = _find_actor()
    found: Actor | None = g.actor
    return found


def _find_actor() -> Actor | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        token = token.strip()
        find = actor_from_visitor_token if token.startswith(VISITOR_PREFIX) else actor_from_token
        with read_connection(services().store_engine) as connection:
            found = find(connection, token)
        if scheme.lower() != "bearer" or found is None:
            raise TokenInvalid
        g.by_bearer = True
        return found
    user_id, token_id = session.get("user_id"), session.get("token_id")
    if user_id is None and token_id is None:
        return None
    if token_id is not None:
        with read_connection(services().store_engine) as connection:
            holder = users.find_token_by_id(connection, token_id=token_id)
        return None if holder is None else _actor_of(holder)
    with read(services().store_engine) as store:
        user = store.get(User, user_id)
        if user is None or not user.active:
            return None
        return Actor(
            "user",
            user.role,
            user.desk_id,
            user.name,
            user.id,
            language=user.language,
        )


def require_actor(roles: Iterable[str], *, conversation_id: str | None = None) -> Actor:
    """Returns the caller if their role is among these; otherwise raises the error that the client should see.

    A visitor who asks for another conversation gets 404, as if it did not exist.
    """
    actor = find_actor()
    if actor is None:
        raise SignInNeeded
    allowed = set(roles)
    if not actor.may(allowed):
        raise NotPermitted(actor.role, allowed | {"admin"})
    if actor.role == "visitor" and conversation_id is not None and conversation_id != actor.conversation_id:
        raise NotFound("conversation", conversation_id)
    if request.method not in SAFE_METHODS and not g.get("by_bearer", False):
        check_csrf()
    return actor


def check_csrf() -> None:
    """Requires the page's CSRF token on every write that is authorized by a cookie alone."""
    if not current_app.config.get("WTF_CSRF_ENABLED", True):
        return
    try:
        csrf.protect()
    except CSRFError as error:
        raise CsrfFailed(error.description or "token missing") from error


def current_actor() -> Actor:
    """The signed-in actor whom the page's guard (`allow`) let in."""
    actor: Actor = g.actor
    return actor


def allow(*roles: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of a page's view: only these roles (and admin) may see it. Sets `g.actor`; a test reads the
    view's `.roles`.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            require_actor(roles)
            check_storable([request.path, request.args.to_dict(), request.form.to_dict()], "the address")
            return view(*args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]
        return guarded

    return decorate
