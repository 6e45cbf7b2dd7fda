"""Caps on the totals of one visitor: waiting conversations, messages, thumbs. Apps have no caps.

Rate limits are in feedback/web/limits.py.
"""

from feedback.api.routes import Write
from feedback.errors import Conflict
from feedback.store.visitors import count_messages, count_visitor_thumbs, count_waiting
from feedback.web.services import services


class TooManyConversations(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(
            "too_many_conversations",
            f"{limit} conversations of this visitor wait for an answer, and no more may.",
            "Write in one of them, or wait; [feedback] visitor_conversations sets the number.",
        )


class TooManyMessages(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(
            "too_many_messages",
            f"The customer wrote {limit} messages here, and no more may come from their page.",
            "Open a new conversation; [feedback] visitor_messages sets the number.",
        )


class TooManyThumbs(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__(
            "too_many_thumbs",
            f"There are {limit} thumbs in this conversation, changed ones included, and no more may come.",
            "The last ones count; [feedback] visitor_thumbs sets the number.",
        )


def check_conversations(call: Write, stranger_hash: str) -> None:
    limit = services().settings.visitor_conversations
    if count_waiting(call.session, desk_id=call.actor.desk_id, stranger_hash=stranger_hash) >= limit:
        raise TooManyConversations(limit)


def check_messages(call: Write, conversation_id: str) -> None:
    limit = services().settings.visitor_messages
    if call.actor.role != "visitor":
        return
    if count_messages(call.session, desk_id=call.actor.desk_id, conversation_id=conversation_id) >= limit:
        raise TooManyMessages(limit)


def check_thumbs(call: Write) -> None:
    limit = services().settings.visitor_thumbs
    own, desk_id = call.actor.conversation_id, call.actor.desk_id
    if own is not None and count_visitor_thumbs(call.session, desk_id=desk_id, conversation_id=own) >= limit:
        raise TooManyThumbs(limit)
