"""Identifies a stranger by a cookie of the chat page or, without the cookie, by address.

The store keeps only a keyed hash (HMAC). It is no proof of identity: it caps how many conversations one
browser has open. A stranger who deletes the cookie is counted by address.
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
    """Sets the cookie on the page unless the browser has it already."""
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
