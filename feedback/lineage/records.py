"""Steps of training records and of the datasets that hold them. Files are read outside transactions."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlmodel import Session, col

from feedback.augment.names import OPERATIONS, SEED, name_child, split_child
from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import Members, iterate_members, read_members
from feedback.lineage.graph import Ref, Scope, TraceStep, excerpt, known
from feedback.lineage.texts import find_text_of
from feedback.records.from_conversation import name_text
from feedback.records.from_judgement import DUEL, LABEL, LIVE, derive_choice
from feedback.records.from_label import derive_outcome
from feedback.records.pairs import settle_import
from feedback.records.rejections import Refusal, explain
from feedback.records.schemas import ChoiceForm, ThumbForm
from feedback.store.choices import read_judged
from feedback.store.duel_verdicts import read_judged_round
from feedback.store.engine import read
from feedback.store.labelled_items import read_labelled
from feedback.store.lineage import (
    find_import,
    find_label_record,
    find_row,
    is_last_thumb,
    list_datasets_since,
    list_items_of_record,
    list_makers,
)
from feedback.store.tables import Dataset, Judgement

SHOWN = 20  # most records of a dataset that a step names


class FoundRecord(NamedTuple):
    """A record with its name in datasets; none built before `stored_at` can hold it."""

    source: str
    id: str
    at: datetime | None
    stored_at: datetime
    facts: dict[str, Any]
    items: Sequence[tuple[str, str]] = ()  # that showed it
    makers: Sequence[tuple[str, str]] = ()  # that no column names


def trace_record(scope: Scope, ref: Ref) -> TraceStep | None:
    """The step of a choice, pair, thumb or text, with every dataset that holds it (unknown once erased)."""
    finds = {"choice": find_choice, "thumb": find_thumb, "text": find_written_text}
    own = [finds[ref.kind]] if ref.kind in finds else []
    with read(scope.store_engine) as session:
        tried = (
            find(session, scope.desk_id, ref) for find in (find_imported, find_labelled, *own, find_made)
        )
        record = next((each for each in tried if each is not None), None)
        if record is None:
            return None
        makers = [*record.makers, *list_makers(session, kind=ref.kind, id=ref.id)]
        rows = list_datasets_since(session, desk_id=scope.desk_id, since=record.stored_at)
    splits: dict[str, str] = {}
    gone: list[str] = []
    children: dict[Ref, None] = {}  # in the order in which they are found
    for row in rows:
        members = None if row.erased_at else read_members(dataset_dir(scope.data_dir, row.id))
        if members is None:
            gone.append(row.id)
            continue
        split = members.find(ref.kind, record.source, record.id)
        if split is not None:
            splits[row.id] = split
            children |= dict.fromkeys(find_children(members, ref, record))
    facts = known({"source": record.source} | record.facts | {"splits": splits, "datasets_gone": gone})
    before = tuple(Ref(*named) for named in makers)
    after = (*(Ref(*named) for named in record.items), *children, *(Ref("dataset", id) for id in splits))
    return TraceStep(ref, record.at, facts, before, after)


def find_children(members: Members, ref: Ref, record: FoundRecord) -> list[Ref]:
    """The records that a dataset holds as made of a choice."""
    if ref.kind != "choice":
        return []
    names = {name_child(ref.id, each): name_child(record.id, each) for each in OPERATIONS}
    return [Ref("choice", shown) for shown, id in names.items() if members.find("choice", record.source, id)]


def find_made(session: Session, desk_id: str, ref: Ref) -> FoundRecord | None:
    """A record that was made of a choice: it has no row, but is called after its parent."""
    made = split_child(ref.id) if ref.kind == "choice" else None
    if made is None:
        return None
    parent, operation = Ref("choice", made[0]), made[1]
    tried = (find(session, desk_id, parent) for find in (find_imported, find_labelled, find_choice))
    record = next((each for each in tried if each is not None), None)
    if record is None:
        return None
    return record._replace(
        id=name_child(record.id, operation),
        facts=record.facts | {"operation": operation, "seed": SEED},
        items=(),
        makers=[("choice", parent.id)],
    )


def find_imported(session: Session, desk_id: str, ref: Ref) -> FoundRecord | None:
    record = find_import(session, desk_id=desk_id, kind=ref.kind, named=ref.id)
    if record is None:
        return None
    facts = {
        "conversation": record.conversation,
        "language": record.language,
        "tags": record.tags,
        "imported_at": record.created_at,
    }
    facts |= describe_form(settle_import(f"{ref.kind}s", dict(record.body)))
    items = list_items_of_record(session, record=record)
    return FoundRecord(record.source, record.identity, record.at, record.created_at, facts, items)


def find_labelled(session: Session, desk_id: str, ref: Ref) -> FoundRecord | None:
    """The record that a settled item came to, or the reason why there is none."""
    source, _, item_id = ref.id.partition("/")
    if source != LABEL:
        return None
    record = find_label_record(session, desk_id=desk_id, kind=ref.kind, item_id=item_id)
    if record is None:
        return None
    (item,) = read_labelled(session, item_ids=[item_id])
    facts = {"conversation": item.conversation, "language": item.language, "tags": list(item.tags)}
    facts |= describe_form(derive_outcome(item))
    return FoundRecord(LABEL, item_id, record.at, record.created_at, facts)


def find_choice(session: Session, desk_id: str, ref: Ref) -> FoundRecord | None:
    """The choice that followed from a judgement or a verdict in a duel, or the reason why there is none."""
    is_duel, id = ref.id.startswith(f"{DUEL}/"), ref.id.removeprefix(f"{DUEL}/")
    if is_duel:
        found = read_judged_round(session, desk_id=desk_id, verdict_id=id)
    else:
        which = (col(Judgement.desk_id) == desk_id) & (col(Judgement.id) == id)
        found = read_judged(session, which=which)
    if not found:
        return None
    ((judged, shown),) = found
    facts = {"conversation": shown.conversation, "language": shown.language, "tags": list(shown.tags)}
    facts |= describe_form(derive_choice(judged, shown))
    return FoundRecord(DUEL if is_duel else LIVE, id, judged.at, judged.at, facts)


def find_thumb(session: Session, desk_id: str, ref: Ref) -> FoundRecord | None:
    row = find_row(session, desk_id=desk_id, kind="thumb", id=ref.id)
    if row is None:
        return None
    facts = {
        "value": row.value,
        "counts": is_last_thumb(session, thumb=row),
        "reasons": row.reasons,
        "comment": excerpt(row.comment),
    }
    return FoundRecord(LIVE, row.id, row.created_at, row.created_at, facts)


def find_written_text(session: Session, desk_id: str, ref: Ref) -> FoundRecord | None:
    """What people wrote in an imported conversation, from its first message."""
    found = find_text_of(session, desk_id, ref)
    if found is None:
        return None
    talk, message = found
    facts = {"conversation": talk.external_id, "language": talk.language, "tags": talk.tags}
    id = name_text(talk.external_id or "", message.position)
    made = [("message", message.id)]
    return FoundRecord(talk.source, id, message.occurred_at, message.created_at, facts, makers=made)


def open_dataset(scope: Scope, row: Dataset, step: TraceStep) -> dict[str, Any]:
    """The facts in a dataset's files. Adds the first records to the step, and the number of the others."""
    directory = dataset_dir(scope.data_dir, row.id)
    members = None if row.erased_at else read_members(directory)
    if members is None:
        return {"files": "erased" if row.erased_at else "missing"}
    first = [member for member in islice(iterate_members(directory), SHOWN) if member.couple is None]
    # Live records are named by their id, others by their source before it.
    names = (member.id if member.source == LIVE else f"{member.source}/{member.id}" for member in first)
    step.before = tuple(Ref(member.form, name) for member, name in zip(first, names, strict=True))
    step.more_before = sum(members.counts.values()) - len(first)
    return {"records": dict(members.counts)} | {name: dict(count) for name, count in members.by.items()}


def describe_form(form: Any) -> dict[str, Any]:
    if isinstance(form, Refusal):
        return {"refused": form.reason, "why": form.detail or explain(form.reason)}
    if isinstance(form, ChoiceForm):
        picked = {"kind": form.kind, "picked": form.picked, "replies": len(form.candidates)}
        return picked if form.source == LIVE else picked | {"agent": form.annotator}
    return {"value": (1 if form.label else -1)} if isinstance(form, ThumbForm) else {}
