"""Browser sessions: the cookie holds a random id, the row its sha256. An ended or expired session gives no
access.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col

from feedback.errors import NotFound
from feedback.store.engine import of_desk
from feedback.store.operators import hash_secret
from feedback.store.tables import WebSession


def find_session(session: Session, *, cookie: str, now: datetime) -> WebSession | None:
    row = session.get(WebSession, hash_secret(cookie))
    return row if row is not None and row.ended_at is None and row.expires_at > now else None


def start_session(
    session: Session,
    *,
    desk_id: str,
    operator_id: str | None,
    data: dict[str, Any],
    now: datetime,
    days: float,
) -> str:
    """Starts a session and returns the cookie's value. Expired rows are deleted on the way."""
    session.connection().execute(delete(WebSession).where(col(WebSession.expires_at) <= now))
    cookie = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            id_hash=hash_secret(cookie),
            desk_id=desk_id,
            operator_id=operator_id,
            data=data,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    session.flush()
    return cookie


def update_session(session: Session, *, cookie: str, data: dict[str, Any], now: datetime) -> None:
    """Replaces the data of a valid session. It never prolongs or revives a session."""
    session.connection().execute(
        update(WebSession)
        .where(col(WebSession.id_hash) == hash_secret(cookie), col(WebSession.ended_at).is_(None))
        .values(data=data, seen_at=now)
    )


def end_web_session(session: Session, *, cookie: str, now: datetime) -> None:
    """Ends a session (log out), so that its cookie no longer works."""
    _end(session, now, col(WebSession.id_hash) == hash_secret(cookie))


def end_one_session(session: Session, *, desk_id: str, id_hash: str, now: datetime) -> None:
    row = session.exec(of_desk(WebSession, desk_id).where(WebSession.id_hash == id_hash)).one_or_none()
    if row is None:
        raise NotFound("session", id_hash)
    _end(session, now, col(WebSession.id_hash) == id_hash)


def end_sessions_of(session: Session, *, desk_id: str, operator_id: str, now: datetime) -> int:
    """Ends every session of one operator and returns their number."""
    return _end(
        session, now, (col(WebSession.desk_id) == desk_id) & (col(WebSession.operator_id) == operator_id)
    )


def _end(session: Session, now: datetime, which: Any) -> int:
    ended = session.connection().execute(
        update(WebSession).where(which, col(WebSession.ended_at).is_(None)).values(ended_at=now)
    )
    return ended.rowcount
