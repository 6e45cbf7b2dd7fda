"""The admin forms of the console: people, tokens, sessions, ending a run, the reason of a policy change. A
form may be sent twice: the second time changes nothing.

Promotion, rollback and requesting a run are calls of the HTTP API instead. The page's guard checks the CSRF
token.
"""

from contextlib import suppress
from unicodedata import category

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from werkzeug.wrappers import Response

from feedback.deployment.approvals import name_person
from feedback.errors import BodyInvalid, IllegalRunState, NotFound
from feedback.store import overview, policy_changes, runs, users, web_sessions
from feedback.store.engine import get_row, read, unit_of_work
from feedback.store.tables import User
from feedback.web.auth import allow, current_actor
from feedback.web.hosts import public_address
from feedback.web.services import services

bp = Blueprint("console_actions", __name__, url_prefix="/console")

MAX_NAME = 80
MAX_REASON = 200
MAX_DIGITS = 9
UNWRITABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, half a character, ends of lines


@bp.get("/people")
@allow("admin")
def list_people() -> str:
    return _render_people()


def _create_link(store: Session, user_id: str) -> str:
    """Creates a one-time sign-in link and returns its address."""
    found = services()
    code = users.create_sign_in_link(
        store,
        desk_id=current_actor().desk_id,
        user_id=user_id,
        now=found.clock.now(),
        minutes=found.settings.sign_in_link_minutes,
    )
    return public_address(found.settings) + url_for("sign_in.redeem_link", code=code)


def _render_people(link: str | None = None, link_for: str | None = None, known: str | None = None) -> str:
    """The page of people. `link` is a new one-time sign-in link, shown here only once; `known` is a name that
    exists already.
    """
    found, desk_id = services(), current_actor().desk_id
    with read(found.store_engine) as store:
        people = users.list_users(store, desk_id=desk_id)
        return render_template(
            "console/people.html",
            people=people,
            names={person.id: person.name for person in people},
            tokens=users.list_tokens(store, desk_id=desk_id),
            sessions=overview.list_living_sessions(store, desk_id=desk_id, now=found.clock.now()),
            roles=users.USER_ROLES,
            link=link,
            known=known,
            link_for=link_for,
            link_minutes=found.settings.sign_in_link_minutes,
        )


@bp.post("/people")
@allow("admin")
def add_person() -> str:
    """Add a user and show a one-time sign-in link."""
    found, desk_id, now = services(), current_actor().desk_id, services().clock.now()
    name = request.form.get("name", "").strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise BodyInvalid([f"name: 1 to {MAX_NAME} printable characters"])
    try:
        with unit_of_work(found.store_engine) as store:
            person = users.create_user(
                store, desk_id=desk_id, name=name, role=request.form.get("role", ""), now=now
            )
            link = _create_link(store, person.id)
    except IntegrityError:  # two forms sent at once get this message too
        return _render_people(known=name)
    return _render_people(link, name)


@bp.post("/people/<user_id>/link")
@allow("admin")
def make_link(user_id: str) -> str:
    """Create another one-time sign-in link for a person."""
    found, desk_id = services(), current_actor().desk_id
    with unit_of_work(found.store_engine) as store:
        person = get_row(store, User, user_id, desk_id=desk_id, what="user")
        link = _create_link(store, person.id)
    return _render_people(link, person.name)


@bp.post("/people/<user_id>/active")
@allow("admin")
def set_active(user_id: str) -> Response:
    """Deactivate a person, or activate them again."""
    found, desk_id = services(), current_actor().desk_id
    active = request.form.get("active") == "yes"
    with unit_of_work(found.store_engine) as store:
        users.set_user_active(store, desk_id=desk_id, user_id=user_id, active=active)
        if not active:
            web_sessions.end_sessions_of(store, desk_id=desk_id, user_id=user_id, now=found.clock.now())
    return redirect(url_for("console_actions.list_people"))


@bp.post("/sessions/<id_hash>/end")
@allow("admin")
def end_session(id_hash: str) -> Response:
    found = services()
    with suppress(NotFound), unit_of_work(found.store_engine) as store:  # deleted meanwhile, so it has ended
        web_sessions.end_one_session(
            store, desk_id=current_actor().desk_id, id_hash=id_hash, now=found.clock.now()
        )
    return redirect(url_for("console_actions.list_people"))


@bp.post("/tokens/<token_id>/revoke")
@allow("admin")
def revoke_token(token_id: str) -> Response:
    found = services()
    with unit_of_work(found.store_engine) as store:
        users.revoke_api_token(
            store, desk_id=current_actor().desk_id, token_id=token_id, now=found.clock.now()
        )
    return redirect(url_for("console_actions.list_people"))


@bp.post("/runs/<run_id>/cancel")
@allow("admin")
def cancel_run(run_id: str) -> Response:
    """End a run; from now on its worker can write nothing more. A run that has ended already stays as it
    is.
    """
    found = services()
    with suppress(IllegalRunState), unit_of_work(found.store_engine) as store:
        runs.end_cancelled_run(store, desk_id=current_actor().desk_id, run_id=run_id, now=found.clock.now())
    return redirect(url_for("console.show_run", run_id=run_id))


@bp.post("/policy/<change_id>/reason")
@allow("admin")
def explain_policy(change_id: str) -> Response:
    """Store why the policy changed; only the first reason is kept."""
    reason, actor = request.form.get("reason", "").strip(), current_actor()
    is_line = all(category(character) not in UNWRITABLE for character in reason)  # wide spaces are fine
    if not reason or len(reason) > MAX_REASON or not is_line:
        raise BodyInvalid([f"reason: 1 to {MAX_REASON} characters on one line"])
    if not change_id.isdecimal() or len(change_id) > MAX_DIGITS:
        raise NotFound("policy_change", change_id)
    with unit_of_work(services().store_engine) as store:
        policy_changes.give_reason(
            store,
            desk_id=actor.desk_id,
            change_id=int(change_id),
            reason=reason,
            actor=name_person(store, actor),
        )
    return redirect(url_for("console.today"))
