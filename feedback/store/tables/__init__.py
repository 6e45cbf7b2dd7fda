"""Every table of the store, one class each, in the words of the vocabulary page.

Rows of `judgement`, `judgement_reasons`, `thumb`, `deployment`, `adapter_event`, `exposure_decision`,
`approval` and `duel_verdict` are append-only: no query changes one. Texts and ids in them are nulled by
erasure alone. Times are UTC and carry their zone in Python on both databases. JSON columns hold plain lists
and dicts.
"""

from feedback.store.tables.adapters import (
    Adapter,
    AdapterEvent,
    Approval,
    Deployment,
    ExposureDecision,
    Fit,
    PolicyChange,
)
from feedback.store.tables.columns import DEFAULT_DESK, UtcDateTime, new_id
from feedback.store.tables.conversations import Conversation, Message, Turn
from feedback.store.tables.duels import Duel, DuelRound, DuelVerdict
from feedback.store.tables.erasures import Erasure
from feedback.store.tables.people import ApiToken, Desk, Event, Operator, SignInLink, SystemPrompt, WebSession
from feedback.store.tables.runs import Dataset, Record, Run, RunMetric
from feedback.store.tables.sets import (
    Candidate,
    Judgement,
    JudgementReasons,
    SuggestionSet,
    Thumb,
    Unblinding,
)
from feedback.store.tables.work import Draft, Presence

__all__ = [
    "DEFAULT_DESK",
    "Adapter",
    "AdapterEvent",
    "ApiToken",
    "Approval",
    "Candidate",
    "Conversation",
    "Dataset",
    "Deployment",
    "Desk",
    "Draft",
    "Duel",
    "DuelRound",
    "DuelVerdict",
    "Erasure",
    "Event",
    "ExposureDecision",
    "Fit",
    "Judgement",
    "JudgementReasons",
    "Message",
    "Operator",
    "PolicyChange",
    "Presence",
    "Record",
    "Run",
    "RunMetric",
    "SignInLink",
    "SuggestionSet",
    "SystemPrompt",
    "Thumb",
    "Turn",
    "Unblinding",
    "UtcDateTime",
    "WebSession",
    "new_id",
]
