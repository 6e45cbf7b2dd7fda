"""Queries for lineage: what an id names, and the neighbours of each step. Reads only, keyword-only.

Where a set comes from is told for judged sets alone: before that it would say which adapter has a part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from feedback.store.session import leave_out, of_desk
from feedback.store.sets import LARGE
from feedback.store.tables import (
    Adapter,
    AdapterEvent,
    Approval,
    Candidate,
    Conversation,
    Dataset,
    Deployment,
    Duel,
    DuelRound,
    DuelVerdict,
    ExposureDecision,
    Judgement,
    Message,
    Operator,
    Record,
    Run,
    SuggestionSet,
    Thumb,
    Turn,
)

JUDGED = "judged"
CLOSED = "closed"
TWO_VERSIONS = "2+1+1"
# What an id may be of: the step's kind, the column that is compared, and the column that names the step.
NAMED: tuple[tuple[str, Any, Any], ...] = (
    ("message", col(Message.id), col(Message.id)),
    ("judgement", col(Judgement.id), col(Judgement.id)),
    ("set", col(SuggestionSet.id), col(SuggestionSet.id)),
    ("thumb", col(Thumb.id), col(Thumb.id)),
    ("dataset", col(Dataset.id), col(Dataset.id)),
    ("run", col(Run.id), col(Run.id)),
    ("adapter", col(Adapter.name), col(Adapter.name)),
    ("message", col(Turn.id), col(Turn.message_id)),  # a turn is the message that waits
    ("set", col(Candidate.id), col(Candidate.set_id)),
    ("duel", col(Duel.id), col(Duel.id)),
    ("duel", col(DuelRound.id), col(DuelRound.duel_id)),
    ("verdict", col(DuelVerdict.id), col(DuelVerdict.id)),
)


def find_named(
    session: Session, *, desk_id: str, text: str, is_prefix: bool, limit: int
) -> list[tuple[str, str]]:
    """(kind, id) of all that has this id, or begins so; the id of a record is `source/identity`."""
    found: list[tuple[str, str]] = []
    for kind, compared, named in NAMED:
        query = select(named).where(compared.class_.desk_id == desk_id, _fits(compared, text, is_prefix))
        found += [(kind, id) for id in session.exec(query.order_by(compared).limit(limit))]
    records = select(Record.kind, Record.source, Record.identity).where(
        Record.desk_id == desk_id, _fits(col(Record.identity), text, is_prefix)
    )
    rows = session.exec(records.order_by(col(Record.identity)).limit(limit))
    found += [(kind, f"{source}/{identity}") for kind, source, identity in rows]
    return list(dict.fromkeys(found))


def _fits(column: Any, text: str, is_prefix: bool) -> Any:
    # Not LIKE, which on SQLite takes one letter for the other of its case.
    return func.substr(column, 1, len(text)) == text if is_prefix else column == text


def find_record(session: Session, *, desk_id: str, kind: str, named: str) -> Record | None:
    """The imported record that is called `source/identity`; both may hold slashes."""
    cuts = [place for place, sign in enumerate(named) if sign == "/"]
    for cut in cuts:
        query = of_desk(Record, desk_id).where(
            Record.kind == kind, Record.source == named[:cut], Record.identity == named[cut + 1 :]
        )
        row = session.exec(query).one_or_none()
        if row is not None:
            return row
    return None


@dataclass(frozen=True)
class MessageFound:
    message: Message
    language: str | None
    tags: list[str]
    source: str
    set_id: str | None  # drawn for the turn that this message opened
    judgement_id: str | None  # that sent it
    thumb_ids: list[str]


def find_message(session: Session, *, desk_id: str, message_id: str) -> MessageFound | None:
    query = (
        select(Message, Conversation)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(Message.desk_id == desk_id, Message.id == message_id)
    )
    row = session.exec(query).one_or_none()
    if row is None:
        return None
    message, conversation = row
    of_turn = (
        select(SuggestionSet.id)
        .join(Turn, col(Turn.id) == col(SuggestionSet.turn_id))
        .where(Turn.message_id == message_id)
    )
    # By the turn first, which is indexed.
    sent = select(Judgement.id).where(
        Judgement.turn_id == message.turn_id, Judgement.message_id == message_id, Judgement.kind != "undo"
    )
    thumbs = select(Thumb.id).where(Thumb.message_id == message_id)
    return MessageFound(
        message=message,
        language=conversation.language,
        tags=conversation.tags,
        source=conversation.source,
        set_id=session.exec(of_turn).one_or_none(),
        judgement_id=session.exec(sent).first() if message.turn_id else None,
        thumb_ids=list(session.exec(thumbs.order_by(col(Thumb.created_at), col(Thumb.id)))),
    )


@dataclass(frozen=True)
class SetFound:
    row: SuggestionSet
    message_id: str
    candidates: Sequence[Candidate]
    judgement_ids: list[str]
    fences: list[int]  # of the deployments it was drawn under; none unless judged

    @property
    def is_judged(self) -> bool:
        return self.row.state == JUDGED


def find_set_drawn(session: Session, *, desk_id: str, set_id: str) -> SetFound | None:
    query = of_desk(SuggestionSet, desk_id).where(SuggestionSet.id == set_id)
    row = session.exec(query.options(*leave_out(LARGE))).one_or_none()
    if row is None:
        return None
    turn = session.get_one(Turn, row.turn_id)
    candidates = of_desk(Candidate, desk_id).where(Candidate.set_id == set_id).order_by(col(Candidate.slot))
    offered = session.exec(candidates.options(*leave_out([Candidate.token_ids, Candidate.text]))).all()
    judged = select(Judgement.id).where(Judgement.set_id == set_id, Judgement.kind != "undo")
    drawn_by = {row.adapter, *(each.adapter for each in offered)} - {None} if row.state == JUDGED else set()
    # The last that named its adapter when it was drawn. A set planned just before the end of an interval is
    # written just after it and still belongs there.
    drawn = select(func.max(Deployment.fence)).where(
        Deployment.desk_id == desk_id,
        col(Deployment.adapter).in_(drawn_by),
        Deployment.at <= row.created_at,
    )
    fences = session.exec(drawn.group_by(col(Deployment.adapter))).all()
    return SetFound(
        row=row,
        message_id=turn.message_id,
        candidates=offered,
        judgement_ids=list(session.exec(judged.order_by(col(Judgement.created_at), col(Judgement.id)))),
        fences=sorted(fence for fence in fences if fence is not None),
    )


def find_judgement(
    session: Session, *, desk_id: str, judgement_id: str
) -> tuple[Judgement, str | None] | None:
    """A judgement, or the undo of one, and the id of the row that took it back."""
    row = session.exec(of_desk(Judgement, desk_id).where(Judgement.id == judgement_id)).one_or_none()
    if row is None:
        return None
    return row, session.exec(select(Judgement.id).where(Judgement.undoes == judgement_id)).one_or_none()


def list_slots(session: Session, *, candidate_ids: Sequence[str]) -> list[int]:
    """Where on the screen these cards stood."""
    query = select(Candidate.slot).where(col(Candidate.id).in_(candidate_ids)).order_by(col(Candidate.slot))
    return list(session.exec(query))


def name_agent(session: Session, *, agent: str | None) -> str | None:
    """The operator's name, else the word that stands on the row."""
    operator = session.get(Operator, agent) if agent else None
    return operator.name if operator else agent


def find_thumb(session: Session, *, desk_id: str, thumb_id: str) -> tuple[Thumb, bool] | None:
    """A thumb, and whether it is the last one on its message, which is the one that counts."""
    row = session.exec(of_desk(Thumb, desk_id).where(Thumb.id == thumb_id)).one_or_none()
    if row is None:
        return None
    later = select(Thumb.id).where(Thumb.message_id == row.message_id)
    last = session.exec(later.order_by(col(Thumb.created_at).desc(), col(Thumb.id).desc()).limit(1)).one()
    return row, last == row.id


def list_datasets_since(session: Session, *, desk_id: str, since: datetime) -> Sequence[Dataset]:
    """Those that may hold what was stored at that moment, oldest first."""
    query = of_desk(Dataset, desk_id).where(Dataset.created_at >= since)
    return session.exec(query.order_by(col(Dataset.created_at), col(Dataset.id))).all()


def find_dataset(session: Session, *, desk_id: str, dataset_id: str) -> Dataset | None:
    return session.exec(of_desk(Dataset, desk_id).where(Dataset.id == dataset_id)).one_or_none()


def list_made_of_dataset(session: Session, *, desk_id: str, dataset_id: str) -> list[tuple[str, str]]:
    """(kind, id) of the runs on it, and of adapters that came to it by no run, oldest first."""
    runs = select(Run.id).where(Run.desk_id == desk_id, Run.dataset_id == dataset_id)
    others = select(Adapter.name).where(
        Adapter.desk_id == desk_id, Adapter.dataset_id == dataset_id, col(Adapter.run_id).is_(None)
    )
    return [
        *(("run", id) for id in session.exec(runs.order_by(col(Run.created_at), col(Run.id)))),
        *(("adapter", name) for name in session.exec(others.order_by(col(Adapter.name)))),
    ]


def find_run(session: Session, *, desk_id: str, run_id: str) -> tuple[Run, list[str]] | None:
    """A run and the names of the adapters it registered."""
    row = session.exec(of_desk(Run, desk_id).where(Run.id == run_id)).one_or_none()
    if row is None:
        return None
    names = select(Adapter.name).where(Adapter.run_id == run_id).order_by(col(Adapter.name))
    return row, list(session.exec(names))


def find_adapter(session: Session, *, desk_id: str, name: str) -> Adapter | None:
    return session.exec(of_desk(Adapter, desk_id).where(Adapter.name == name)).one_or_none()


def find_event(session: Session, *, desk_id: str, event_id: int) -> AdapterEvent | None:
    query = (
        select(AdapterEvent)
        .join(Adapter, col(Adapter.name) == col(AdapterEvent.adapter))
        .where(Adapter.desk_id == desk_id, AdapterEvent.id == event_id)
    )
    return session.exec(query).one_or_none()


def has_fence(session: Session, *, desk_id: str, fence: int) -> bool:
    return session.exec(of_desk(Deployment, desk_id).where(Deployment.fence == fence)).first() is not None


def find_exposure(session: Session, *, desk_id: str, row_id: int) -> ExposureDecision | None:
    return session.exec(of_desk(ExposureDecision, desk_id).where(ExposureDecision.id == row_id)).one_or_none()


def find_approval(session: Session, *, desk_id: str, row_id: int) -> Approval | None:
    return session.exec(of_desk(Approval, desk_id).where(Approval.id == row_id)).one_or_none()


def list_timeline(session: Session, *, adapter: Adapter) -> list[tuple[str, str]]:
    """(kind, id) of what happened to an adapter since it was registered, in order: its report, what picks and
    people said of it, decisions, and intervals of serving, each after the decision that began it.
    """
    desk_id, name = adapter.desk_id, adapter.name
    history = select(AdapterEvent).where(
        AdapterEvent.adapter == name,
        AdapterEvent.from_state != AdapterEvent.to_state,  # equal ones are intentions
        AdapterEvent.from_state != "",  # its registration
    )
    served = of_desk(Deployment, desk_id).where(Deployment.adapter == name)
    looks = of_desk(ExposureDecision, desk_id).where(ExposureDecision.adapter == name)
    words = of_desk(Approval, desk_id).where(Approval.adapter == name)
    told = [
        *(Told(row.at, 0, row.id or 0, "exposure", str(row.id)) for row in session.exec(looks)),
        *(Told(row.at, 0, row.id or 0, "approval", str(row.id)) for row in session.exec(words)),
        *(
            Told(row.at, 1, row.id or 0, "decision", str(row.id), row.to_state)
            for row in session.exec(history)
        ),
        *(Told(row.at, 2, row.fence, "deployment", str(row.fence), row.role) for row in session.exec(served)),
    ]
    story = [("report", name)] if adapter.report else []
    waiting = sorted(told)
    state = ""
    while waiting:
        # Rows of one moment: an interval stands right after the decision for its role, else last.
        now = [each for each in waiting if each.at == waiting[0].at]
        begun = (each for each in now if each.kind == "deployment" and each.state == state)
        nearest = next(begun, now[0])
        waiting.remove(nearest)
        story.append((nearest.kind, nearest.id))
        state = nearest.state if nearest.kind == "decision" else ""
    return story


def _has_both(adapter: str) -> Any:
    """Whether a set that holds two versions holds this one: its row names the newer alone."""
    beside = select(Candidate.id).where(Candidate.set_id == SuggestionSet.id, Candidate.adapter == adapter)
    return and_(col(SuggestionSet.design) == TWO_VERSIONS, beside.exists())


def list_duels_of(session: Session, *, adapter: Adapter) -> list[str]:
    """The duels in which it was compared, oldest first."""
    query = select(Duel.id).where(
        Duel.desk_id == adapter.desk_id,
        or_(col(Duel.adapter) == adapter.name, col(Duel.rival) == adapter.name),
    )
    return list(session.exec(query.order_by(col(Duel.created_at), col(Duel.id))))


def find_duel(
    session: Session, *, desk_id: str, duel_id: str, limit: int
) -> tuple[Duel, int, list[str]] | None:
    """A duel, the number of its verdicts and the first of them; none is told before it is closed."""
    row = session.exec(of_desk(Duel, desk_id).where(Duel.id == duel_id)).one_or_none()
    if row is None:
        return None
    if row.state != CLOSED:
        return row, 0, []
    said = (DuelVerdict.duel_id == duel_id, DuelVerdict.verdict != "undo")
    count = session.exec(select(func.count()).select_from(DuelVerdict).where(*said)).one()
    ids = select(DuelVerdict.id).where(*said).order_by(col(DuelVerdict.created_at), col(DuelVerdict.id))
    return row, count, list(session.exec(ids.limit(limit)))


@dataclass(frozen=True)
class VerdictFound:
    row: DuelVerdict
    is_closed: bool
    undone_by: str | None


def find_verdict(session: Session, *, desk_id: str, verdict_id: str) -> VerdictFound | None:
    query = (
        select(DuelVerdict, Duel.state)
        .join(Duel, col(Duel.id) == col(DuelVerdict.duel_id))
        .where(DuelVerdict.desk_id == desk_id, DuelVerdict.id == verdict_id)
    )
    found = session.exec(query).one_or_none()
    if found is None:
        return None
    undone_by = select(DuelVerdict.id).where(DuelVerdict.undoes == verdict_id)
    return VerdictFound(found[0], found[1] == CLOSED, session.exec(undone_by).one_or_none())


class Told(NamedTuple):
    """One row of an adapter's story, in the order of time; `state` is what a decision leads to, or a role."""

    at: datetime
    rank: int
    number: int
    kind: str
    id: str
    state: str = ""


@dataclass(frozen=True)
class Interval:
    """A deployment row and what ended it; both are None while it is in force."""

    row: Deployment
    ended: Deployment | None
    sets: int  # drawn in it, judged or not
    judged: int
    newest: list[str]  # of the judged ones


def find_interval(session: Session, *, desk_id: str, fence: int, limit: int) -> Interval | None:
    rows = of_desk(Deployment, desk_id)
    row = session.exec(rows.where(Deployment.fence == fence)).one_or_none()
    if row is None:
        return None
    follows = rows.where(Deployment.role == row.role, Deployment.fence > fence)
    ended = session.exec(follows.order_by(col(Deployment.fence)).limit(1)).one_or_none()
    if row.adapter is None:
        return Interval(row, ended, 0, 0, [])
    later = rows.where(Deployment.adapter == row.adapter, Deployment.fence > fence)
    again = session.exec(later.order_by(col(Deployment.fence)).limit(1)).one_or_none()
    drawn: list[Any] = [
        SuggestionSet.desk_id == desk_id,
        or_(col(SuggestionSet.adapter) == row.adapter, _has_both(row.adapter)),
        SuggestionSet.created_at >= row.at,
    ]
    if again is not None:  # from there on they are that one's
        drawn.append(SuggestionSet.created_at < again.at)
    counted = select(SuggestionSet.state, func.count()).where(*drawn).group_by(SuggestionSet.state)
    counts = dict(session.exec(counted).all())
    newest = select(SuggestionSet.id).where(*drawn, SuggestionSet.state == JUDGED)
    order = (col(SuggestionSet.created_at).desc(), col(SuggestionSet.id))
    return Interval(
        row=row,
        ended=ended,
        sets=sum(counts.values()),
        judged=counts.get(JUDGED, 0),
        newest=list(session.exec(newest.order_by(*order).limit(limit))),
    )
