"""Queries over adapters: register a version, move it along its states, read its history.

The states and the moves between them are the table below; any other move raises IllegalTransition.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from feedback.errors import AdapterErased, IllegalTransition, NotFound
from feedback.store.engine import of_desk
from feedback.store.tables import Adapter, AdapterEvent, Dataset

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


def register_adapter(
    session: Session,
    *,
    name: str,
    desk_id: str,
    run_id: str | None,
    dataset_id: str | None,
    base_id: str,
    manifest_sha256: str,
    actor: str,
    now: datetime,
    report: dict[str, Any] | None = None,
) -> Adapter:
    """Adds a version as it came from training. Registering the same files again returns the existing row."""
    found = session.get(Adapter, name)
    if found is not None and found.manifest_sha256 == manifest_sha256:
        return found
    if found is not None:
        raise IllegalTransition(name, found.state, "another version under the same name")
    adapter = Adapter(
        name=name,
        desk_id=desk_id,
        run_id=run_id,
        dataset_id=dataset_id,
        base_id=base_id,
        manifest_sha256=manifest_sha256,
        report=report,
        created_at=now,
    )
    session.add(adapter)
    session.flush()
    note_event(
        session, name=name, from_state="", to_state="trained", reason="registered", actor=actor, now=now
    )
    return adapter


def get_adapter(session: Session, *, desk_id: str, name: str) -> Adapter:
    adapter = session.exec(of_desk(Adapter, desk_id).where(Adapter.name == name)).one_or_none()
    if adapter is None:
        raise NotFound("adapter", name)
    return adapter


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
    """Changes the state of an adapter and records the reason. If the adapter has this state already, nothing
    is written.
    """
    adapter = get_adapter(session, desk_id=desk_id, name=name)
    if adapter.state == to_state:
        return adapter
    check_move(adapter, to_state)
    note_event(
        session, name=name, from_state=adapter.state, to_state=to_state, reason=reason, actor=actor, now=now
    )
    adapter.state = to_state
    session.add(adapter)
    session.flush()
    return adapter


def check_move(adapter: Adapter, to_state: str) -> None:
    if to_state != adapter.state and to_state not in TRANSITIONS[adapter.state]:
        raise IllegalTransition(adapter.name, adapter.state, to_state)


def find_erased_at(session: Session, *, adapter: Adapter) -> datetime | None:
    """The time at which records that the adapter was trained on were erased; None if none of them were."""
    dataset = session.get(Dataset, adapter.dataset_id) if adapter.dataset_id else None
    return dataset.erased_at if dataset is not None else None


def is_erased(session: Session, *, adapter: Adapter) -> bool:
    return find_erased_at(session, adapter=adapter) is not None


def list_erased(session: Session, *, desk_id: str) -> set[str]:
    """The names of the adapters that were trained on a dataset which has since been erased."""
    query = (
        of_desk(Adapter, desk_id)
        .join(Dataset, col(Dataset.id) == Adapter.dataset_id)
        .where(col(Dataset.erased_at).is_not(None))
    )
    return {row.name for row in session.exec(query)}


def find_trained_until(session: Session, adapter: Adapter) -> datetime:
    """The time at which the adapter's training data were fixed; the adapter's own creation time if its
    dataset is not known.
    """
    dataset = session.get(Dataset, adapter.dataset_id) if adapter.dataset_id else None
    return dataset.created_at if dataset is not None else adapter.created_at


def is_of_base(session: Session, *, name: str, base_id: str) -> bool:
    """Whether the adapter was trained on this base. An empty `base_id` matches every adapter."""
    adapter = session.get_one(Adapter, name)
    return not base_id or adapter.base_id == base_id


def check_not_erased(session: Session, *, adapter: Adapter) -> None:
    if is_erased(session, adapter=adapter):
        raise AdapterErased(adapter.name)


def note_event(
    session: Session, *, name: str, from_state: str, to_state: str, reason: str, actor: str, now: datetime
) -> None:
    """Appends an event to the adapter's history. Equal states record an intention, such as loading the
    adapter.
    """
    session.add(
        AdapterEvent(
            adapter=name, from_state=from_state, to_state=to_state, reason=reason, actor=actor, at=now
        )
    )


def list_events(session: Session, *, name: str) -> Sequence[AdapterEvent]:
    """The history of an adapter, oldest event first."""
    return session.exec(
        select(AdapterEvent).where(AdapterEvent.adapter == name).order_by(col(AdapterEvent.id))
    ).all()


def last_event(session: Session, *, name: str) -> AdapterEvent | None:
    query = select(AdapterEvent).where(AdapterEvent.adapter == name)
    return session.exec(query.order_by(col(AdapterEvent.id).desc()).limit(1)).one_or_none()
