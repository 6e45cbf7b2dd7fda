"""Rate limits for callers without a token of an app or of staff: how many requests a minute, by moving
windows.

Requests are counted by visitor, by address and, for strangers, over all strangers together. A stranger is a
visitor whose conversation was opened by no app, or somebody at /chat without a conversation. Customers of an
app are counted apart from strangers, so they are never refused because of them. The order matters: a caller
over a limit of their own uses up nothing of the limit that strangers share. Requests of staff, apps and
probes are not counted, nor are the repeated look-ups that the front makes for a waiting reader.

Counts are kept in this process or, for several processes, in Valkey or Redis; while that is unreachable, each
process counts alone. Caps on what a visitor may have in total are in feedback/api/caps.py.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, g, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded
from limits.storage import Storage, storage_from_string
from werkzeug.wrappers import Response as AnyResponse

from feedback.actor import Actor
from feedback.clock import Clock
from feedback.errors import TokenInvalid
from feedback.settings import FeedbackSettings
from feedback.web.addresses import is_loopback, widen
from feedback.web.auth import SAFE_METHODS, find_actor
from feedback.web.error_pages import render_error
from feedback.web.errors import TooManyRequests
from feedback.web.waiting import is_first_request
from feedback.web.windows import ADDRESS, Windows

PROBES = ("health.live", "health.ready", "health.metrics")
OPENING = "chat.start_conversation"
STORE_WAIT_S = 1  # for Valkey or Redis, since a caller waits for the count


@dataclass(frozen=True)
class Caller:
    """One caller whose requests are counted; `visitor` is empty before they have a conversation."""

    visitor: str
    address: str
    is_stranger: bool


Key = Callable[[Caller], str]
Counts = Callable[[Caller], bool]


def register_limits(app: Flask, settings: FeedbackSettings, clock: Clock) -> None:
    app.before_request(note_caller)
    url = settings.limits_url
    limiter = Limiter(
        key_func=lambda: caller().address,
        application_limits=list_limits(settings),
        strategy="moving-window",
        storage_uri=as_storage(url) if url else ADDRESS,
        storage_options=(
            {"socket_timeout": STORE_WAIT_S, "socket_connect_timeout": STORE_WAIT_S}
            if url
            else {"clock": clock}  # type: ignore[dict-item]
        ),
        in_memory_fallback_enabled=bool(url),
        key_prefix="rejoinder",
    )
    limiter.request_filter(lambda: find_caller() is None)
    limiter.init_app(app)

    @app.errorhandler(RateLimitExceeded)
    def refuse(error: RateLimitExceeded) -> AnyResponse:
        limit, storage = limiter.current_limit, limiter.limiter.storage
        assert limit is not None, "it has just been exceeded"
        now = storage.now() if isinstance(storage, Windows) else time.time()
        left = max(1, math.ceil(limit.window.reset_time - now))
        return render_error(TooManyRequests(str(error.description), left))


def as_storage(url: str) -> str:
    """The storage address for the `limits` library. Valkey speaks the protocol of Redis, so one client serves
    both.
    """
    return url.replace("valkey", "redis", 1) if url.startswith("valkey") else url


def reach(url: str) -> str | None:
    """Why this Valkey or Redis does not answer; None if it does."""
    wait = {"socket_timeout": STORE_WAIT_S, "socket_connect_timeout": STORE_WAIT_S}
    storage = storage_from_string(as_storage(url), wrap_exceptions=True, **wait)
    assert isinstance(storage, Storage), "an asynchronous one has another address"
    return None if storage.check() else "no answer"


def list_limits(settings: FeedbackSettings) -> list[ApplicationLimit | str | Callable[[], str]]:
    """The limits in the order in which they are checked. Each is per minute."""

    def limit(count: int, setting: str, key: Key, counts: Counts) -> ApplicationLimit:
        return ApplicationLimit(
            f"{count} per minute",
            key_function=lambda: f"{setting}:{key(caller())}",
            exempt_when=lambda: not counts(caller()),
            error_message=f"{count} a minute, [feedback] {setting}",
        )

    return [
        limit(settings.visitor_writes, "visitor_writes", find_visitor, is_visitors_write),
        limit(settings.visitor_requests, "visitor_requests", find_visitor, is_visitor),
        limit(settings.address_openings, "address_openings", find_address, is_opening),
        limit(settings.address_requests, "address_requests", find_address, has_address),
        limit(settings.strangers_openings, "strangers_openings", find_all, is_opening),
        limit(settings.strangers_requests, "strangers_requests", find_all, shares_with_strangers),
    ]


def find_visitor(who: Caller) -> str:
    return who.visitor


def find_address(who: Caller) -> str:
    """The key for counting by address. Behind one address, customers of apps and strangers have separate
    keys.
    """
    return f"{'stranger' if who.is_stranger else 'customer'}:{who.address}"


def find_all(_who: Caller) -> str:
    return "all"


def is_visitor(who: Caller) -> bool:
    return bool(who.visitor)


def is_visitors_write(who: Caller) -> bool:
    return bool(who.visitor) and request.method not in SAFE_METHODS


def is_opening(_who: Caller) -> bool:
    return request.endpoint == OPENING


def has_address(who: Caller) -> bool:
    """Whether to count by address. Customers of an app that come from loopback are not: many share that
    address.
    """
    return who.is_stranger or not is_loopback(who.address)


def shares_with_strangers(who: Caller) -> bool:
    """Whether the limit over all strangers applies. Callers who are not signed in count at /chat only, since
    staff before signing in look the same.
    """
    return who.is_stranger and (bool(who.visitor) or request.blueprint == "chat")


def note_caller() -> None:
    """Finds the caller before the limits are checked, so that an unreachable store is reported as such."""
    if request.endpoint in (*PROBES, "static", None) or not is_first_request():
        g.caller = None
        return
    try:
        actor = find_actor()
    except TokenInvalid:
        actor = None
    g.caller = count_as(actor, request.remote_addr or "")


def count_as(actor: Actor | None, address: str) -> Caller | None:
    """Who is counted for this request; None if nobody is."""
    if actor is None:
        return Caller("", widen(address), True)
    if actor.role != "visitor":
        return None
    return Caller(actor.key, widen(address), actor.is_stranger)


def find_caller() -> Caller | None:
    found: Caller | None = g.get("caller")
    return found


def caller() -> Caller:
    found = find_caller()
    assert found is not None, "asked of those alone who are counted"
    return found
