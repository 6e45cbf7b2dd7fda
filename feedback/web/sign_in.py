"""Signing in and out: one-time links, pasted tokens, log-out. No passwords."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from feedback.actor import Actor
from feedback.store import users
from feedback.store.engine import read, read_connection, unit_of_work
from feedback.store.presence import leave_desk
from feedback.web.auth import check_csrf, find_actor
from feedback.web.services import services
from feedback.web.sessions import StoreSession, begin_signed_in, begin_signed_out

bp = Blueprint("sign_in", __name__)

LINK_SPENT = "This link was used or has expired. Ask for a new one, or paste a token."
TOKEN_WRONG = "This token is unknown, was revoked, or belongs to a program."


@bp.get("/sign-in")
def show() -> AnyResponse:
    """The sign-in page."""
    return _page()


@bp.post("/sign-in")
def sign_in() -> AnyResponse:
    """Sign in by pasting a person's API token."""
    token = request.form.get("token", "").strip()
    with read_connection(services().store_engine) as connection:
        holder = users.find_token(connection, token=token)
    if holder is not None and find_actor() is not None and session.get("token_id") == holder.token_id:
        return redirect(_own_path(request.form.get("next")))  # sent twice: the first ended the session
    check_csrf()
    if holder is None or holder.role not in users.USER_ROLES:
        return _page(TOKEN_WRONG, 401)
    _leave_desk()
    begin_signed_in(_session(), user_id=holder.user_id, token_id=holder.token_id)
    return redirect(_own_path(request.form.get("next")))


@bp.get("/sign-in/<code>")
def redeem_link(code: str) -> AnyResponse:
    """Sign in by a one-time link. A HEAD request (a link preview) does not use it up."""
    if request.method == "HEAD":
        return Response()
    present = find_actor()
    if present is not None:
        if _spend_own(present, code):
            return redirect(_own_path(request.args.get("next")))
        with read(services().store_engine) as store:
            wanted = users.find_sign_in_link(store, code=code, now=services().clock.now())
        if wanted is not None and wanted.id != present.user_id:
            return Response(
                render_template("sign_in_over.html", code=code, present=present.name, wanted=wanted.name)
            )
    return _use_link(code)


@bp.post("/sign-in/<code>")
def replace(code: str) -> AnyResponse:
    """Sign in by a one-time link although somebody else is signed in, after they confirmed it."""
    present = find_actor()
    if present is not None and _spend_own(present, code):  # sent twice: the first ended the session
        return redirect(_own_path(request.args.get("next")))
    check_csrf()
    return _use_link(code)


def _spend_own(present: Actor, code: str) -> bool:
    """Whether the link belongs to the user who is signed in already. It is then used up and signs in
    nobody else.
    """
    with unit_of_work(services().store_engine) as store:
        owner = users.find_link_owner(store, code=code)
        if owner is None or owner != present.user_id:
            return False
        users.use_sign_in_link(store, code=code, now=services().clock.now())
    return True


def _use_link(code: str) -> AnyResponse:
    with unit_of_work(services().store_engine) as store:
        user = users.use_sign_in_link(store, code=code, now=services().clock.now())
    if user is None:
        return _page(LINK_SPENT, 401)
    _leave_desk()
    begin_signed_in(_session(), user_id=user.id)
    return redirect(_own_path(request.args.get("next")))


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    """End this browser's session; that person's presence and claims end too."""
    if find_actor() is not None:
        check_csrf()
    _leave_desk()
    begin_signed_out(_session())
    return redirect(url_for("sign_in.show"))


def _leave_desk() -> None:
    """Ends presence and claims of the person who was signed in in this browser."""
    actor = find_actor()
    if actor is not None:
        with unit_of_work(services().store_engine) as store:
            leave_desk(store, desk_id=actor.desk_id, agent=actor.agent_name())


def _session() -> StoreSession:
    current = session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(current, StoreSession)
    return current


def _page(fault: str | None = None, status: int = 200) -> Response:
    target = _own_path(request.values.get("next"))
    return Response(render_template("sign_in.html", fault=fault, next=target), status, mimetype="text/html")


def _own_path(target: str | None) -> str:
    """The path if it stays on this host, else the home page; `//host`, `\\host` and control characters are
    refused.
    """
    home = str(current_app.config["HOME_PATH"])
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or not target.isprintable():
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target
