"""Puts demo conversations into an empty store, so that a new workbench has a queue in both languages."""

from sqlalchemy import Engine

from demo.seeds import SEED_CONVERSATIONS
from feedback.app import read_secret_key
from feedback.clock import SystemClock
from feedback.settings import FeedbackSettings
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import of_desk, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Conversation, new_id
from feedback.store.users import hash_secret
from feedback.web.auth import visitor_token

SOURCE = "demo"


def seed_demo(store_engine: Engine, settings: FeedbackSettings) -> int:
    """Adds the demo conversations unless the store has any conversation; returns how many were added."""
    key, now = read_secret_key(settings), SystemClock().now()
    with unit_of_work(store_engine) as session:
        if session.exec(of_desk(Conversation, DEFAULT_DESK).limit(1)).first() is not None:
            return 0
        for conversation in SEED_CONVERSATIONS:
            id = new_id()
            open_conversation(
                session,
                id=id,
                desk_id=DEFAULT_DESK,
                now=now,
                messages=[
                    IncomingMessage("agent" if turn["role"] == "agent" else "customer", turn["text"])
                    for turn in conversation["turns"]
                ],
                language=conversation["language"],
                tags=conversation["tags"],
                visitor_token_hash=hash_secret(visitor_token(key, id)),
                source=SOURCE,
                external_id=conversation["id"],
            )
    return len(SEED_CONVERSATIONS)
