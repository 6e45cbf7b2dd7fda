"""Who may come in: users, API tokens and one-time sign-in links. Secrets are kept as sha256 alone.

A secret is 256 random bits, so a plain hash is enough: there is nothing to guess and no dictionary to try.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlmodel import Session, col

from feedback.errors import ApiError
from feedback.store.engine import columns_of, get_row, of_desk, save_row
from feedback.store.tables import ApiToken, SignInLink, User

USER_ROLES = ("agent", "expert", "admin", "labeller")
TOKEN_ROLES = ("app", *USER_ROLES)


class Holder(NamedTuple):
    """The holder of a token. `user_id` is None for a program or a person without an account."""

    token_id: str
    name: str
    role: str
    desk_id: str
    user_id: str | None
    language: str | None


# Every call of a program looks its token up: this statement is prepared once.
_HOLDER: Any = (
    select(*columns_of(ApiToken, "id name role desk_id user_id"), col(User.language))
    .select_from(ApiToken.__table__)  # type: ignore[attr-defined]
    .outerjoin(User.__table__, col(User.id) == col(ApiToken.user_id))  # type: ignore[attr-defined]
    .where(col(ApiToken.revoked_at).is_(None), or_(col(ApiToken.user_id).is_(None), col(User.active)))
)
_HOLDER_BY_HASH = _HOLDER.where(col(ApiToken.token_hash) == bindparam("key"))
_HOLDER_BY_ID = _HOLDER.where(col(ApiToken.id) == bindparam("key"))


class RoleUnknown(ApiError):
    def __init__(self, role: str, allowed: Sequence[str]) -> None:
        super().__init__(
            422, "role_unknown", f"There is no role {role!r}.", f"Take one of {', '.join(allowed)}."
        )


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create_user(
    session: Session, *, desk_id: str, name: str, role: str, now: datetime, language: str | None = None
) -> User:
    if role not in USER_ROLES:
        raise RoleUnknown(role, USER_ROLES)
    new = User(desk_id=desk_id, name=name, role=role, language=language, created_at=now)
    return save_row(session, new)


def find_user(session: Session, *, desk_id: str, name: str) -> User | None:
    return session.exec(of_desk(User, desk_id).where(User.name == name)).one_or_none()


def ensure_user(session: Session, *, desk_id: str, name: str, role: str, now: datetime) -> User:
    """The user of this name; created with this role if missing. An existing user keeps their role."""
    found = find_user(session, desk_id=desk_id, name=name)
    return found or create_user(session, desk_id=desk_id, name=name, role=role, now=now)


def name_agents(session: Session, *, desk_id: str, agents: Iterable[str]) -> dict[str, str]:
    """Display names of these agents, who are stored as `Actor.agent_name` writes them."""
    named = {agent: agent.partition(":")[2] or agent for agent in agents}
    query = select(col(User.id), col(User.name)).where(
        col(User.desk_id) == desk_id, col(User.id).in_(list(named))
    )
    rows = session.execute(query) if named else ()
    return named | {user_id: name for user_id, name in rows}


def list_users(session: Session, *, desk_id: str) -> Sequence[User]:
    return session.exec(of_desk(User, desk_id).order_by(User.name)).all()


def set_user_active(session: Session, *, desk_id: str, user_id: str, active: bool) -> None:
    """Whether a user may come in: by session, link or token, from the next request on."""
    user = get_row(session, User, user_id, desk_id=desk_id, what="user")
    user.active = active
    session.add(user)


def create_token(
    session: Session, *, desk_id: str, name: str, role: str, now: datetime, user_id: str | None = None
) -> str:
    """A new API token `rj_<role>_<random>`. It is returned here once and cannot be read again."""
    if role not in TOKEN_ROLES:
        raise RoleUnknown(role, TOKEN_ROLES)
    token = f"rj_{role}_{secrets.token_urlsafe(32)}"
    row = ApiToken(
        desk_id=desk_id,
        name=name,
        role=role,
        token_hash=hash_secret(token),
        user_id=user_id,
        created_at=now,
    )
    save_row(session, row)
    return token


def find_token(connection: Connection, *, token: str) -> Holder | None:
    """The holder of a token, unless it was revoked or its user is inactive."""
    found = connection.execute(_HOLDER_BY_HASH, {"key": hash_secret(token)}).one_or_none()
    return Holder(*found) if found is not None else None


def find_token_by_id(connection: Connection, *, token_id: str) -> Holder | None:
    found = connection.execute(_HOLDER_BY_ID, {"key": token_id}).one_or_none()
    return Holder(*found) if found is not None else None


def list_tokens(session: Session, *, desk_id: str) -> Sequence[ApiToken]:
    return session.exec(of_desk(ApiToken, desk_id).order_by(col(ApiToken.created_at))).all()


def revoke_api_token(session: Session, *, desk_id: str, token_id: str, now: datetime) -> None:
    row = get_row(session, ApiToken, token_id, desk_id=desk_id, what="token")
    row.revoked_at = row.revoked_at or now
    session.add(row)


def create_sign_in_link(
    session: Session, *, desk_id: str, user_id: str, now: datetime, minutes: float = 60
) -> str:
    """Creates a link `/sign-in/<code>` that works once, within these minutes; returns the code."""
    code = secrets.token_urlsafe(32)
    row = SignInLink(
        code_hash=hash_secret(code),
        desk_id=desk_id,
        user_id=user_id,
        created_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    save_row(session, row)
    return code


def find_sign_in_link(session: Session, *, code: str, now: datetime) -> User | None:
    """The user of a valid link; None if it is used, expired or unknown, or its user is inactive."""
    link = session.get(SignInLink, hash_secret(code))
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    user = session.get(User, link.user_id)
    return user if user is not None and user.active else None


def find_link_owner(session: Session, *, code: str) -> str | None:
    """The id of the user for whom a link was made, even if it was used already."""
    link = session.get(SignInLink, hash_secret(code))
    return link.user_id if link is not None else None


def use_sign_in_link(session: Session, *, code: str, now: datetime) -> User | None:
    """The user of a valid link, which is used up by this call."""
    user = find_sign_in_link(session, code=code, now=now)
    if user is None:
        return None
    unused = col(SignInLink.code_hash) == hash_secret(code), col(SignInLink.used_at).is_(None)
    used = session.connection().execute(update(SignInLink).where(*unused).values(used_at=now))
    return user if used.rowcount == 1 else None
