"""Desks and the versions of their system prompt. One row, `default`, for now."""

from datetime import datetime

from sqlmodel import Session, col

from feedback.records.from_judgement import OWN_SOURCES
from feedback.sources.kinds import OWN_KIND
from feedback.store.engine import of_desk, save_row
from feedback.store.sources import register_sources
from feedback.store.tables import DEFAULT_DESK, Desk, SystemPrompt


def ensure_desk(
    session: Session, *, now: datetime, desk_id: str = DEFAULT_DESK, name: str = "Default"
) -> Desk:
    """The desk; it is created, with its own sources, if it is missing. Safe to repeat."""
    desk = session.get(Desk, desk_id)
    if desk is None:
        desk = Desk(id=desk_id, name=name, created_at=now)
        save_row(session, desk)
        register_sources(session, desk_id=desk_id, kinds=dict.fromkeys(OWN_SOURCES, OWN_KIND), now=now)
    return desk


def find_desk(session: Session, *, desk_id: str) -> Desk | None:
    return session.get(Desk, desk_id)


def find_system_prompt(session: Session, *, desk_id: str) -> SystemPrompt | None:
    """The system prompt in force: the one with the highest version."""
    query = of_desk(SystemPrompt, desk_id).order_by(col(SystemPrompt.version).desc()).limit(1)
    return session.exec(query).one_or_none()


def add_system_prompt(session: Session, *, desk_id: str, text: str, now: datetime) -> SystemPrompt:
    """Adds a version of the system prompt, unless the one in force has exactly this text."""
    newest = find_system_prompt(session, desk_id=desk_id)
    if newest is not None and newest.text == text:
        return newest
    version = newest.version + 1 if newest else 1
    prompt = SystemPrompt(desk_id=desk_id, version=version, text=text, created_at=now)
    return save_row(session, prompt)
