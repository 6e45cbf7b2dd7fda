"""Tells waiting listeners what a unit of work changed: topics are noted beside the write and announced after
the commit.

    note_change(session, conversation_topic(id))     # beside the write, in feedback/store
    on_commit(engine, wakeups.signal)                # whoever wants to hear it, in the entry point

The committing thread announces them after the row is safe. Other processes are not reached from here.
"""

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import Session

log = logging.getLogger(__name__)

NOTED = "changed topics"
CONVERSATION, TURN = "conversation:", "turn:"
Listener = Callable[[frozenset[str]], None]

_listeners: WeakKeyDictionary[Engine, tuple[Listener, ...]] = WeakKeyDictionary()


def conversation_topic(conversation_id: str) -> str:
    """The topic of a conversation's messages: one was added, or one has been or will be released."""
    return f"{CONVERSATION}{conversation_id}"


def turn_topic(turn_id: str) -> str:
    """The topic of a turn's set: it was prepared, or is no longer wanted."""
    return f"{TURN}{turn_id}"


def note_change(session: Session, topic: str) -> None:
    session.info.setdefault(NOTED, set()).add(topic)


def on_commit(engine: Engine, listener: Listener) -> None:
    """Registers a listener, which gets the topics of every unit of work committed by this process."""
    _listeners[engine] = (*_listeners.get(engine, ()), listener)


def notify_commit(engine: Engine, session: Session) -> None:
    topics = session.info.pop(NOTED, None)
    if not topics:
        return
    for listener in _listeners.get(engine, ()):
        try:
            listener(frozenset(topics))
        except Exception:  # the rows are safe, and the poll every second finds them
            log.exception("telling of a commit")
