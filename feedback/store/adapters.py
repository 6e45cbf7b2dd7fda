"""Queries over adapters: register a version, move it along its states, read its history.

The states and the moves between them are the table below; any other move raises IllegalTransition.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, and_, col, or_, select

from feedback.errors import AdapterErased, IllegalTransition
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.mixed_datasets import HAS_MIXED, MIXED, list_learnt
from feedback.store.tables import Adapter, AdapterEvent, Dataset, Run

TRANSITIONS: dict[str, frozenset[str]] = {
    "trained": frozenset({"refused", "passed"}),
    "refused": frozenset(),
    "passed": frozenset({"canary", "live", "retired"}),
    "canary": frozenset({"live", "retired", "rolled_back"}),
    "live": frozenset({"retired", "rolled_back"}),
    "retired": frozenset({"canary", "live"}),  # a rollback of its successor, or an admin, brings it back
    "rolled_back": frozenset({"live"}),  # by an admin's own decision only
}
RESTORABLE = frozenset({"passed", "canary", "live", "retired"})


def register_adapter(session: Session, *, adapter: Adapter, actor: str) -> Adapter:
    """Adds a version as it came from training. Registering the same files again returns the existing row."""
    name, now = adapter.name, adapter.created_at
    found = session.get(Adapter, name)
    if found is not None and found.manifest_sha256 == adapter.manifest_sha256:
        return found
    if found is not None:
        raise IllegalTransition(name, found.state, "another version under the same name")
    save_row(session, adapter)
    note_event(
        session, name=name, from_state="", to_state="trained", reason="registered", actor=actor, now=now
    )
    return adapter


def get_adapter(session: Session, *, desk_id: str, name: str) -> Adapter:
    return get_row(session, Adapter, name, desk_id=desk_id, what="adapter")


def select_adapters(
    session: Session, *, desk_id: str, state: str | None = None, limit: int = 200
) -> Sequence[Adapter]:
    """The adapters of a desk, newest first."""
    query = of_desk(Adapter, desk_id)
    if state is not None:
        query = query.where(Adapter.state == state)
    newest = (col(Adapter.created_at).desc(), col(Adapter.name).desc())
    return session.exec(query.order_by(*newest).limit(limit)).all()


def list_names(session: Session) -> list[str]:
    """Every adapter name of all desks, since a name is never used twice."""
    return list(session.exec(select(Adapter.name)).all())


def move_adapter(
    session: Session, *, desk_id: str, name: str, to_state: str, reason: str, actor: str, now: datetime
) -> Adapter:
    """Changes the state of an adapter and records the reason, unless it has this state already."""
    adapter = get_adapter(session, desk_id=desk_id, name=name)
    if adapter.state == to_state:
        return adapter
    check_move(adapter, to_state)
    note_event(
        session, name=name, from_state=adapter.state, to_state=to_state, reason=reason, actor=actor, now=now
    )
    adapter.state = to_state
    return save_row(session, adapter)


def check_move(adapter: Adapter, to_state: str) -> None:
    if to_state != adapter.state and to_state not in TRANSITIONS[adapter.state]:
        raise IllegalTransition(adapter.name, adapter.state, to_state)


def find_erased_at(session: Session, *, adapter: Adapter) -> datetime | None:
    """The time at which records that the adapter was trained on were erased; None if none of them were."""
    erased = (dataset.erased_at for dataset in list_learnt(session, adapter=adapter))
    return min((at for at in erased if at is not None), default=None)


def list_erased(session: Session, *, desk_id: str) -> set[str]:
    """The names of the adapters that were trained on a dataset which has since been erased."""
    query = of_desk(Adapter, desk_id).outerjoin(Run, col(Run.id) == col(Adapter.run_id))
    erased = select(Dataset.id).where(col(Dataset.erased_at).is_not(None))
    has_erased = or_(col(Adapter.dataset_id).in_(erased), and_(HAS_MIXED, MIXED.in_(erased)))
    return {row.name for row in session.exec(query.where(has_erased))}


def find_trained_until(session: Session, adapter: Adapter) -> datetime:
    """When the adapter's training data were fixed; its own creation time if the dataset is not known."""
    dataset = session.get(Dataset, adapter.dataset_id) if adapter.dataset_id else None
    return dataset.created_at if dataset is not None else adapter.created_at


def is_of_base(session: Session, *, name: str, base_id: str) -> bool:
    """Whether the adapter was trained on this base. An empty `base_id` matches every adapter."""
    adapter = session.get_one(Adapter, name)
    return not base_id or adapter.base_id == base_id


def is_checkpoint(session: Session, *, name: str) -> bool:
    return session.get_one(Adapter, name).is_checkpoint


def list_checkpoints(session: Session) -> Sequence[str]:
    """The names of the checkpoints of all desks, newest first."""
    query = select(Adapter.name).where(col(Adapter.is_checkpoint))
    return session.exec(query.order_by(col(Adapter.created_at).desc(), col(Adapter.name).desc())).all()


def check_not_erased(session: Session, *, adapter: Adapter) -> None:
    if find_erased_at(session, adapter=adapter) is not None:
        raise AdapterErased(adapter.name)


def note_event(
    session: Session, *, name: str, from_state: str, to_state: str, reason: str, actor: str, now: datetime
) -> None:
    """Appends to the adapter's history. Equal states record an intention, such as loading it."""
    session.add(
        AdapterEvent(
            adapter=name, from_state=from_state, to_state=to_state, reason=reason, actor=actor, at=now
        )
    )


def list_events(session: Session, *, name: str) -> Sequence[AdapterEvent]:
    """The history of an adapter, oldest event first."""
    query = select(AdapterEvent).where(AdapterEvent.adapter == name)
    return session.exec(query.order_by(col(AdapterEvent.id))).all()


def last_event(session: Session, *, name: str) -> AdapterEvent | None:
    query = select(AdapterEvent).where(AdapterEvent.adapter == name)
    return session.exec(query.order_by(col(AdapterEvent.id).desc()).limit(1)).one_or_none()
