"""Every table of the store, one class each, in the words of the vocabulary page.

Rows of `judgement`, `judgement_reasons`, `thumb`, `deployment`, `adapter_event`, `rollout_decision`,
`approval`, `change`, `tag_decision`, `helper_trust` and `label` are append-only: no query changes one. Texts
and ids in them are nulled by erasure alone. Times are UTC and carry their zone in Python on both databases.
JSON columns hold plain lists and dicts.
"""

from feedback.store.tables.adapters import (
    Adapter,
    AdapterEvent,
    Approval,
    Deployment,
    Fit,
    PolicyChange,
    RolloutDecision,
)
from feedback.store.tables.columns import DEFAULT_DESK, UtcDateTime, new_id
from feedback.store.tables.conversations import Conversation, Message, Turn
from feedback.store.tables.dataset_jobs import DatasetJob
from feedback.store.tables.duels import Duel
from feedback.store.tables.erasures import Erasure
from feedback.store.tables.helper import HelperCall, HelperLabel, HelperSubject, HelperTrust
from feedback.store.tables.imports import Import
from feedback.store.tables.labelling import Assignment, Item, Label, Reliability, Task
from feedback.store.tables.people import ApiToken, Desk, Event, SignInLink, SystemPrompt, User, WebSession
from feedback.store.tables.rebases import Rebase
from feedback.store.tables.runs import Dataset, Record, Run, RunMetric
from feedback.store.tables.sets import (
    Candidate,
    Judgement,
    JudgementReasons,
    SuggestionSet,
    Thumb,
    Unblinding,
)
from feedback.store.tables.sources import DefinitionChange, ImportTally, Source
from feedback.store.tables.tags import Tag, TagAlias, TagDecision
from feedback.store.tables.two_answers import TwoAnswers
from feedback.store.tables.work import Draft, Presence

__all__ = [
    "DEFAULT_DESK",
    "Adapter",
    "AdapterEvent",
    "ApiToken",
    "Approval",
    "Assignment",
    "Candidate",
    "Conversation",
    "Dataset",
    "DatasetJob",
    "DefinitionChange",
    "Deployment",
    "Desk",
    "Draft",
    "Duel",
    "Erasure",
    "Event",
    "Fit",
    "HelperCall",
    "HelperLabel",
    "HelperSubject",
    "HelperTrust",
    "Import",
    "ImportTally",
    "Item",
    "Judgement",
    "JudgementReasons",
    "Label",
    "Message",
    "PolicyChange",
    "Presence",
    "Rebase",
    "Record",
    "Reliability",
    "RolloutDecision",
    "Run",
    "RunMetric",
    "SignInLink",
    "Source",
    "SuggestionSet",
    "SystemPrompt",
    "Tag",
    "TagAlias",
    "TagDecision",
    "Task",
    "Thumb",
    "Turn",
    "TwoAnswers",
    "Unblinding",
    "User",
    "UtcDateTime",
    "WebSession",
    "new_id",
]
