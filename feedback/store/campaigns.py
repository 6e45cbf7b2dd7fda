"""Campaigns: reading them, which conversations and picks belong to them. Keyword-only, session first.

A campaign is open until somebody ends it or its end has come; an ended one concerns no conversation.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from feedback.records.derived import JUDGEMENT
from feedback.store.engine import get_row, of_desk, within
from feedback.store.items import count_items
from feedback.store.row_selection import is_in_language
from feedback.store.tables import Assignment, Campaign, Conversation, Record, SuggestionSet
from feedback.store.tag_filters import match_tags
from feedback.store.tags import read_tag_tree
from feedback.tags.tree import TagTree

OPEN, ENDED = "open", "ended"
NOTHING, QUESTION, TWO_ANSWERS = "nothing", "question", "two_answers"  # what its customers may get
ASKED_AGAIN = timedelta(days=7)  # after which a customer may be asked by a campaign once more
MOST_TALKS = 100  # of a customer, the newest, that are looked into
SHOWN_MOST = 200  # campaigns, the newest, that are listed


@dataclass(frozen=True)
class Scenario:
    """What a campaign collects: the strings of its tags and of those below them, and its languages."""

    campaign: Campaign
    strings: frozenset[str]

    def asks(self, what: str) -> bool:
        return self.campaign.asks == what

    def includes(self, tags: Collection[str], language: str | None) -> bool:
        """Whether a conversation with these tags in this language belongs to it; zh takes zh-CN, too."""
        if self.campaign.tags and self.strings.isdisjoint(tags):
            return False
        spoken = f"{(language or '').lower()}-"
        return not self.campaign.languages or any(
            spoken.startswith(f"{asked.lower()}-") for asked in self.campaign.languages
        )


def list_campaigns(session: Session, *, desk_id: str) -> list[Campaign]:
    """The campaigns of a desk, newest first."""
    query = of_desk(Campaign, desk_id).order_by(col(Campaign.created_at).desc(), col(Campaign.id))
    return list(session.exec(query.limit(SHOWN_MOST)))


def get_campaign(session: Session, *, desk_id: str, campaign_id: str, lock: bool = False) -> Campaign:
    """Raises NotFound."""
    return get_row(session, Campaign, campaign_id, desk_id=desk_id, what="campaign", lock=lock)


def is_open(campaign: Campaign, *, now: datetime) -> bool:
    return campaign.state == OPEN and now < campaign.ends_at


def list_scenarios(session: Session, *, desk_id: str, now: datetime) -> list[Scenario]:
    """What the open campaigns collect, by their names."""
    wanted = of_desk(Campaign, desk_id).where(Campaign.state == OPEN, Campaign.ends_at > now)
    rows = session.exec(wanted.order_by(col(Campaign.name), col(Campaign.id)))
    found = list(rows)
    if not found:
        return []
    tree = read_tag_tree(session, desk_id=desk_id)
    return [Scenario(row, tree.expand(row.tags)) for row in found]


def list_asking(session: Session, *, desk_id: str, conversation_id: str, now: datetime) -> set[str]:
    """The tasks of questions that open campaigns ask in this conversation, until as many as their targets
    were asked: none where its customer was asked by a campaign within a week.
    """
    scenarios = [each for each in list_scenarios(session, desk_id=desk_id, now=now) if each.asks(QUESTION)]
    talk = session.get(Conversation, conversation_id) if scenarios else None
    if talk is None or was_asked_lately(session, talk, now=now):
        return set()
    theirs = [each.campaign for each in scenarios if each.includes(talk.tags, talk.language)]
    wanted = {row.question_task_id: row.target for row in theirs if row.question_task_id is not None}
    asked = count_items(session, task_ids=list(wanted))
    return {id for id, target in wanted.items() if sum(asked[id].values()) < target}


def was_asked_lately(session: Session, talk: Conversation, *, now: datetime) -> bool:
    """Whether a campaign asked the same customer, by the id that their app gives, in another conversation."""
    if talk.customer_id is None:
        return False
    theirs = of_desk(Conversation, talk.desk_id).where(Conversation.customer_id == talk.customer_id)
    newest = theirs.order_by(col(Conversation.created_at).desc()).limit(MOST_TALKS)
    names = [f"visitor:{each.id}" for each in session.exec(newest)]  # as `Actor.key` is for a visitor
    query = select(col(Assignment.id)).where(
        col(Assignment.task_id).in_(select(col(Campaign.question_task_id))),
        col(Assignment.labeller).in_(names),
        col(Assignment.created_at) > now - ASKED_AGAIN,
    )
    return session.scalar(query.limit(1)) is not None


def list_owned(session: Session, *, task_ids: Collection[str]) -> set[str]:
    """Those of these tasks that a campaign made for its question."""
    query = select(col(Campaign.question_task_id)).where(col(Campaign.question_task_id).in_(task_ids))
    return set(session.scalars(query))


def gives_two_answers(session: Session, *, desk_id: str, set_id: str, now: datetime) -> bool:
    """Whether an open campaign lets the customer of this set choose between two answers."""
    scenarios = list_scenarios(session, desk_id=desk_id, now=now)
    query = (
        select(col(Conversation.tags), col(Conversation.language))
        .join(SuggestionSet, col(SuggestionSet.conversation_id) == col(Conversation.id))
        .where(col(SuggestionSet.id) == set_id, col(SuggestionSet.desk_id) == desk_id)
    )
    talk = session.execute(query).first() if scenarios else None
    return talk is not None and any(each.asks(TWO_ANSWERS) and each.includes(*talk) for each in scenarios)


def match_campaign(campaign: Campaign, tree: TagTree) -> list[ColumnElement[bool]]:
    """The conditions that a record belongs to a campaign, by the rule of `Scenario.includes`."""
    wanted = [match_tags(tree.expand(campaign.tags), Record.tags)] if campaign.tags else []
    if campaign.languages:
        wanted.append(or_(*(is_in_language(each, col(Record.language)) for each in campaign.languages)))
    return wanted


def count_picks(
    session: Session,
    *,
    desk_id: str,
    since: datetime,
    until: datetime,
    conditions: Sequence[ColumnElement[bool]],
) -> int:
    """The picks of suggested replies in a time that something can be learnt from; own texts are none."""
    query = select(func.count()).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == JUDGEMENT,
        col(Record.rejection).is_(None),
        col(Record.winner).is_not(None),
        col(Record.erased_at).is_(None),
        *within(col(Record.created_at), since, until),
        *conditions,
    )
    return int(session.scalar(query) or 0)
