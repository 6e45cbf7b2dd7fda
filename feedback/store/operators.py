"""Who may come in: operators, API tokens and one-time sign-in links. Secrets are kept as sha256 alone.

A secret is 256 random bits, so a plain hash is enough: there is nothing to guess and no dictionary to try.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlmodel import Session, col

from feedback.errors import ApiError, NotFound
from feedback.store.engine import of_desk
from feedback.store.tables import ApiToken, Operator, SignInLink

OPERATOR_ROLES = ("agent", "expert", "admin")
TOKEN_ROLES = ("app", *OPERATOR_ROLES)


class Holder(NamedTuple):
    """The holder of a token. `operator_id` is None for a program or a person without an account."""

    token_id: str
    name: str
    role: str
    desk_id: str
    operator_id: str | None
    language: str | None


# Every call of a program looks its token up: this statement is prepared once.
_HOLDER = (
    select(
        col(ApiToken.id),
        col(ApiToken.name),
        col(ApiToken.role),
        col(ApiToken.desk_id),
        col(ApiToken.operator_id),
        col(Operator.language),
    )
    .select_from(ApiToken.__table__)  # type: ignore[attr-defined]
    .outerjoin(Operator.__table__, col(Operator.id) == col(ApiToken.operator_id))  # type: ignore[attr-defined]
    .where(
        col(ApiToken.revoked_at).is_(None),
        or_(col(ApiToken.operator_id).is_(None), col(Operator.active)),
    )
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


def create_operator(
    session: Session, *, desk_id: str, name: str, role: str, now: datetime, language: str | None = None
) -> Operator:
    if role not in OPERATOR_ROLES:
        raise RoleUnknown(role, OPERATOR_ROLES)
    operator = Operator(desk_id=desk_id, name=name, role=role, language=language, created_at=now)
    session.add(operator)
    session.flush()
    return operator


def find_operator(session: Session, *, desk_id: str, name: str) -> Operator | None:
    return session.exec(of_desk(Operator, desk_id).where(Operator.name == name)).one_or_none()


def ensure_operator(session: Session, *, desk_id: str, name: str, role: str, now: datetime) -> Operator:
    """The operator of this name; created with this role if missing. An existing operator keeps their role."""
    found = find_operator(session, desk_id=desk_id, name=name)
    return found or create_operator(session, desk_id=desk_id, name=name, role=role, now=now)


def name_agents(session: Session, *, desk_id: str, agents: Iterable[str]) -> dict[str, str]:
    """Display names of these agents, who are stored as `Actor.agent_name` writes them."""
    named = {agent: agent.partition(":")[2] or agent for agent in agents}
    query = select(col(Operator.id), col(Operator.name)).where(
        col(Operator.desk_id) == desk_id, col(Operator.id).in_(list(named))
    )
    rows = session.execute(query) if named else ()
    return named | {operator_id: name for operator_id, name in rows}


def list_operators(session: Session, *, desk_id: str) -> Sequence[Operator]:
    return session.exec(of_desk(Operator, desk_id).order_by(Operator.name)).all()


def set_operator_active(session: Session, *, desk_id: str, operator_id: str, active: bool) -> None:
    """Activates or deactivates an operator. Sessions, links and tokens of an inactive operator fail from the
    next request on.
    """
    operator = session.exec(of_desk(Operator, desk_id).where(Operator.id == operator_id)).one_or_none()
    if operator is None:
        raise NotFound("operator", operator_id)
    operator.active = active
    session.add(operator)


def create_token(
    session: Session, *, desk_id: str, name: str, role: str, now: datetime, operator_id: str | None = None
) -> str:
    """A new API token `rj_<role>_<random>`. It is returned here once and cannot be read again."""
    if role not in TOKEN_ROLES:
        raise RoleUnknown(role, TOKEN_ROLES)
    token = f"rj_{role}_{secrets.token_urlsafe(32)}"
    session.add(
        ApiToken(
            desk_id=desk_id,
            name=name,
            role=role,
            token_hash=hash_secret(token),
            operator_id=operator_id,
            created_at=now,
        )
    )
    session.flush()
    return token


def find_token(connection: Connection, *, token: str) -> Holder | None:
    """The holder of a token, unless it was revoked or its operator is inactive."""
    found = connection.execute(_HOLDER_BY_HASH, {"key": hash_secret(token)}).one_or_none()
    return Holder(*found) if found is not None else None


def find_token_by_id(connection: Connection, *, token_id: str) -> Holder | None:
    found = connection.execute(_HOLDER_BY_ID, {"key": token_id}).one_or_none()
    return Holder(*found) if found is not None else None


def list_tokens(session: Session, *, desk_id: str) -> Sequence[ApiToken]:
    return session.exec(of_desk(ApiToken, desk_id).order_by(col(ApiToken.created_at))).all()


def revoke_api_token(session: Session, *, desk_id: str, token_id: str, now: datetime) -> None:
    row = session.exec(of_desk(ApiToken, desk_id).where(ApiToken.id == token_id)).one_or_none()
    if row is None:
        raise NotFound("token", token_id)
    row.revoked_at = row.revoked_at or now
    session.add(row)


def create_sign_in_link(
    session: Session, *, desk_id: str, operator_id: str, now: datetime, minutes: float = 60
) -> str:
    """Creates a link `/sign-in/<code>` that works once, within these minutes; returns the code."""
    code = secrets.token_urlsafe(32)
    session.add(
        SignInLink(
            code_hash=hash_secret(code),
            desk_id=desk_id,
            operator_id=operator_id,
            created_at=now,
            expires_at=now + timedelta(minutes=minutes),
        )
    )
    session.flush()
    return code


def find_sign_in_link(session: Session, *, code: str, now: datetime) -> Operator | None:
    """The operator of a valid link; None if it is used, expired or unknown, or its operator is inactive."""
    link = session.get(SignInLink, hash_secret(code))
    if link is None or link.used_at is not None or link.expires_at <= now:
        return None
    operator = session.get(Operator, link.operator_id)
    return operator if operator is not None and operator.active else None


def find_link_owner(session: Session, *, code: str) -> str | None:
    """The id of the operator for whom a link was made, even if it was used already."""
    link = session.get(SignInLink, hash_secret(code))
    return link.operator_id if link is not None else None


def use_sign_in_link(session: Session, *, code: str, now: datetime) -> Operator | None:
    """The operator of a valid link, which is used up by this call."""
    code_hash = hash_secret(code)
    operator = find_sign_in_link(session, code=code, now=now)
    if operator is None:
        return None
    used = session.connection().execute(
        update(SignInLink)
        .where(col(SignInLink.code_hash) == code_hash, col(SignInLink.used_at).is_(None))
        .values(used_at=now)
    )
    return operator if used.rowcount == 1 else None
