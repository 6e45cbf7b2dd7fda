"""Tells by the content of a file's first records which format they are in."""

from collections import Counter
from collections.abc import Iterable

from feedback.formats.abcd import ABCD
from feedback.formats.alpaca import ALPACA, RANKED
from feedback.formats.arena import ARENA
from feedback.formats.argilla import ARGILLA
from feedback.formats.chatwoot import CHATWOOT
from feedback.formats.fastchat import FASTCHAT
from feedback.formats.format import Format
from feedback.formats.freshdesk import FRESHDESK
from feedback.formats.hh import HH
from feedback.formats.intercom import INTERCOM, INTERCOM_WEBHOOK
from feedback.formats.jsonl import Body
from feedback.formats.label_studio import LABEL_STUDIO
from feedback.formats.langfuse import LANGFUSE
from feedback.formats.llamafactory import DPO, KTO
from feedback.formats.messages import MESSAGES
from feedback.formats.openai import OPENAI_CHAT, OPENAI_PREFERENCE
from feedback.formats.openwebui import OPENWEBUI
from feedback.formats.own import OWN
from feedback.formats.sharegpt import SHAREGPT
from feedback.formats.star import STAR
from feedback.formats.taskmaster import TASKMASTER
from feedback.formats.trl import COMPLETION, PREFERENCE, UNPAIRED
from feedback.formats.ultrafeedback import ULTRAFEEDBACK
from feedback.formats.zendesk import ZENDESK, ZENDESK_COMMENTS

# A record is of the first format that knows it: the narrower ones stand before the wider ones.
FORMATS: tuple[Format, ...] = (
    *OWN.values(),
    ZENDESK,
    ZENDESK_COMMENTS,
    FRESHDESK,
    INTERCOM,
    INTERCOM_WEBHOOK,
    CHATWOOT,
    STAR,
    ABCD,
    TASKMASTER,
    OPENAI_PREFERENCE,
    ARENA,
    FASTCHAT,
    OPENWEBUI,
    LANGFUSE,
    ARGILLA,
    LABEL_STUDIO,
    HH,
    ULTRAFEEDBACK,
    RANKED,
    DPO,
    KTO,
    PREFERENCE,
    UNPAIRED,
    COMPLETION,
    OPENAI_CHAT,
    SHAREGPT,
    ALPACA,
    MESSAGES,
)
SAMPLE = 50  # records looked at


def recognise_record(body: Body) -> Format | None:
    return next((format for format in FORMATS if format.recognise(body)), None)


def recognise_format(records: Iterable[Body]) -> Format | None:
    """The format of most of these records; None if none of them is in a known one."""
    votes = Counter(format for body in records if (format := recognise_record(body)) is not None)
    return votes.most_common(1)[0][0] if votes else None
