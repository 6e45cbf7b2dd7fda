"""Which host names are ours, and which headers of a reverse proxy are trusted.

With `trusted_proxies = 0` no header changes a request's scheme, host or sender. Otherwise that many proxies
are trusted, for their X-Forwarded-* headers only. Nothing ever changes the prefix of a path
(feedback/web/wsgi.py).
"""

from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from feedback.errors import ApiError
from feedback.settings import FeedbackSettings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
WILDCARDS = ("0.0.0.0", "::", "")


class HostUnknown(ApiError):
    def __init__(self) -> None:
        super().__init__(
            400,
            "host_unknown",
            "This address is none of ours.",
            "Name its host in [feedback] public_url or trusted_hosts.",
        )


def register_hosts(app: Flask, settings: FeedbackSettings) -> None:
    hosts = frozenset(list_hosts(settings))

    @app.before_request
    def check_host() -> None:
        if drop_port(request.host) not in hosts:
            raise HostUnknown

    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        proxied = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxied  # type: ignore[method-assign]


def list_hosts(settings: FeedbackSettings) -> list[str]:
    """The host names that a request's address may have; the port may be any."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    named = [settings.host, public, *settings.trusted_hosts]
    return [*LOOPBACK, *(_in_address(name) for name in named if name and name not in WILDCARDS)]


def public_address(settings: FeedbackSettings) -> str:
    """The start of every link to this service: the setting, else the address of this request, whose host was
    checked.
    """
    return settings.public_url or request.host_url.rstrip("/")


def drop_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _in_address(host: str) -> str:
    return f"[{host}]".lower() if ":" in host and not host.startswith("[") else host.lower()
