"""Steps of what people wrote in imported conversations: a reply, from its first message to the datasets."""

from sqlmodel import Session

from feedback.lineage.graph import Ref
from feedback.records.from_conversation import WrittenReply, list_replies, name_text
from feedback.store.lineage import find_spoken
from feedback.store.tables import Conversation, Message
from feedback.store.whole_conversations import read_released


def find_written(session: Session, message: Message) -> WrittenReply | None:
    """The reply that begins with this message, if people wrote it."""
    found = list_replies(read_released(session, conversation_id=message.conversation_id))
    replies = (reply for reply in found if isinstance(reply, WrittenReply))
    return next((reply for reply in replies if reply.position == message.position), None)


def name_written(session: Session, talk: Conversation, message: Message) -> tuple[Ref, ...]:
    """The address of the text that begins with this message; nothing if it is none."""
    if find_written(session, message) is None:
        return ()
    return (Ref("text", f"{talk.source}/{name_text(talk.external_id or '', message.position)}"),)


def find_text_of(session: Session, desk_id: str, ref: Ref) -> tuple[Conversation, Message] | None:
    """The conversation and the first message of a text, by its address `source/conversation/position`."""
    found = find_spoken(session, desk_id=desk_id, named=ref.id)
    return None if found is None or find_written(session, found[1]) is None else found
