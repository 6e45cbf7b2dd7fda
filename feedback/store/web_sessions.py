"""Browser sessions: the cookie holds a random id, the row its sha256. An ended one gives no access."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col

from feedback.store.engine import get_row, save_row
from feedback.store.tables import WebSession
from feedback.store.users import hash_secret


def find_session(session: Session, *, cookie: str, now: datetime) -> WebSession | None:
    row = session.get(WebSession, hash_secret(cookie))
    return row if row is not None and row.ended_at is None and row.expires_at > now else None


def start_session(
    session: Session,
    *,
    desk_id: str,
    user_id: str | None,
    data: dict[str, Any],
    now: datetime,
    days: float,
) -> str:
    """Starts a session and returns the cookie's value. Expired rows are deleted on the way."""
    session.connection().execute(delete(WebSession).where(col(WebSession.expires_at) <= now))
    cookie = secrets.token_urlsafe(32)
    row = WebSession(
        id_hash=hash_secret(cookie),
        desk_id=desk_id,
        user_id=user_id,
        data=data,
        created_at=now,
        seen_at=now,
        expires_at=now + timedelta(days=days),
    )
    save_row(session, row)
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
    get_row(session, WebSession, id_hash, desk_id=desk_id, what="session")
    _end(session, now, col(WebSession.id_hash) == id_hash)


def end_sessions_of(session: Session, *, desk_id: str, user_id: str, now: datetime) -> int:
    """Ends every session of one user and returns their number."""
    return _end(session, now, (col(WebSession.desk_id) == desk_id) & (col(WebSession.user_id) == user_id))


def _end(session: Session, now: datetime, which: Any) -> int:
    ended = session.connection().execute(
        update(WebSession).where(which, col(WebSession.ended_at).is_(None)).values(ended_at=now)
    )
    return ended.rowcount
