"""Which stranger this is: by a cookie that the chat page leaves in the browser or, without it, by address.

The store keeps a keyed hash alone. Proves nothing about a person: it caps what one browser has open, while
who throws the cookie away is counted by address.
"""

import hashlib
import hmac
import secrets

from flask import Response, current_app, request
from itsdangerous import BadSignature, Signer

from feedback.web.addresses import widen

COOKIE = "rejoinder_visitor"
LASTS_S = 30 * 86_400


def find_stranger() -> str:
    known = _read_cookie() or f"address {widen(request.remote_addr or '')}"
    return hmac.new(
        str(current_app.secret_key).encode(), f"stranger:{known}".encode(), hashlib.sha256
    ).hexdigest()


def remember_stranger(page: Response) -> Response:
    """The page with a cookie, unless the browser has one."""
    if _read_cookie() is None:
        made = _signer().sign(secrets.token_urlsafe(16)).decode()
        page.set_cookie(
            COOKIE,
            made,
            max_age=LASTS_S,
            path="/chat",
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return page


def _read_cookie() -> str | None:
    try:
        return _signer().unsign(request.cookies.get(COOKIE, "")).decode()
    except BadSignature:
        return None


def _signer() -> Signer:
    return Signer(str(current_app.secret_key), salt="stranger")
