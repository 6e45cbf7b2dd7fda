"""Steps of training records and of the datasets that hold them: files are read outside of transactions."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import col

from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import iterate_members, read_members
from feedback.lineage.graph import Ref, Scope, Step, excerpt, known, stamp
from feedback.records.from_judgement import DUEL, derive_choice
from feedback.records.normalise import settle_choice
from feedback.records.pairs import refuse_close
from feedback.records.rejections import Refusal, explain
from feedback.records.schemas import ChoiceForm, PairForm, ThumbForm, read_form
from feedback.store.choices import read_judged
from feedback.store.duel_verdicts import read_judged_rounds
from feedback.store.engine import read
from feedback.store.lineage import records as store
from feedback.store.tables import Dataset, Judgement

LIVE = "live"
SHOWN = 20  # of its records


def look_record(scope: Scope, ref: Ref) -> Step | None:
    """A choice, pair or thumb: an imported one, or what a judgement or a customer's thumb came to."""
    with read(scope.store_engine) as session:
        record = store.find_record(session, desk_id=scope.desk_id, kind=ref.kind, named=ref.id)
    if record is None:
        return {"choice": look_choice, "thumb": look_thumb}.get(ref.kind, nothing)(scope, ref)
    facts: dict[str, Any] = {
        "source": record.source,
        "conversation": record.conversation,
        "language": record.language,
        "tags": record.tags,
        "imported_at": stamp(record.created_at),
    }
    form = settle(ref.kind, record.body)
    facts |= tell_refusal(form) if isinstance(form, Refusal) else tell_choice(form)
    return held(scope, ref, facts, record.at, record.created_at, record.source, record.identity, ())


def look_choice(scope: Scope, ref: Ref) -> Step | None:
    """What a judgement, or a verdict in a duel, came to: a choice, or the reason why there is none."""
    is_duel, id = ref.id.startswith(f"{DUEL}/"), ref.id.removeprefix(f"{DUEL}/")
    with read(scope.store_engine) as session:
        if is_duel:
            found = read_judged_rounds(session, desk_id=scope.desk_id, verdict_id=id)
        else:
            named = (col(Judgement.desk_id) == scope.desk_id) & (col(Judgement.id) == id)
            found = read_judged(session, which=named)
    if not found:
        return None
    ((judged, shown),) = found
    form = derive_choice(judged, shown)
    source = DUEL if is_duel else LIVE
    facts: dict[str, Any] = {
        "source": source,
        "conversation": shown.conversation,
        "language": shown.language,
        "tags": list(shown.tags),
    }
    facts |= tell_refusal(form) if isinstance(form, Refusal) else tell_choice(form)
    before = (Ref("verdict" if is_duel else "judgement", id),)
    return held(scope, ref, facts, judged.at, judged.at, source, id, before)


def look_thumb(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        found = store.find_thumb(session, desk_id=scope.desk_id, thumb_id=ref.id)
    if found is None:
        return None
    row, counts = found
    facts = {
        "source": LIVE,
        "value": row.value,
        "counts": counts,
        "reasons": row.reasons,
        "comment": excerpt(row.comment),
    }
    before = (Ref("message", row.message_id),)
    return held(scope, ref, facts, row.created_at, row.created_at, LIVE, row.id, before)


def held(
    scope: Scope,
    ref: Ref,
    facts: dict[str, Any],
    at: datetime | None,
    stored_at: datetime,
    source: str,
    identity: str,
    before: tuple[Ref, ...],
) -> Step:
    """The step of a record, with every dataset that holds it; of an erased one nobody can tell."""
    with read(scope.store_engine) as session:
        rows = store.list_datasets_since(session, desk_id=scope.desk_id, since=stored_at)
    splits: dict[str, str] = {}
    gone: list[str] = []
    for row in rows:
        members = None if row.erased_at else read_members(dataset_dir(scope.data_dir, row.id))
        if members is None:
            gone.append(row.id)
            continue
        split = members.find(ref.kind, source, identity)
        if split is not None:
            splits[row.id] = split
    facts |= {"splits": splits, "datasets_gone": gone}
    return Step(ref, at, known(facts), before, tuple(Ref("dataset", id) for id in splits))


def look_dataset(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        row = store.find_dataset(session, desk_id=scope.desk_id, dataset_id=ref.id)
        if row is None:
            return None
        made = store.list_made_of_dataset(session, desk_id=scope.desk_id, dataset_id=ref.id)
    facts: dict[str, Any] = {
        "selection": known(row.selection),
        "refusals": row.refusals,
        "erased_at": stamp(row.erased_at),
    }
    before, more = open_dataset(scope, row, facts)
    after = tuple(Ref(kind, id) for kind, id in made)
    return Step(ref, row.created_at, known(facts), before, after, more_before=more)


def open_dataset(scope: Scope, row: Dataset, facts: dict[str, Any]) -> tuple[tuple[Ref, ...], int]:
    """Adds what the files hold to the facts; the first records, and how many more there are."""
    directory = dataset_dir(scope.data_dir, row.id)
    members = None if row.erased_at else read_members(directory)
    if members is None:
        facts["files"] = "erased" if row.erased_at else "missing"
        return (), 0
    facts |= {"records": dict(members.counts)} | {name: dict(count) for name, count in members.by.items()}
    first = [member for member in islice(iterate_members(directory), SHOWN) if member.couple is None]
    refs = (Ref(member.form, address(member.source, member.id)) for member in first)
    return tuple(refs), sum(members.counts.values()) - len(first)


def address(source: str, id: str) -> str:
    """The id of a record's step: live ones have their own, imported ones that of their source before it."""
    return id if source == LIVE else f"{source}/{id}"


def nothing(scope: Scope, ref: Ref) -> None:
    return None


def settle(kind: str, body: Mapping[str, Any]) -> Any:
    """The form of an imported record as a dataset would take it, or why it would not."""
    if kind == "choice":
        choice = read_form(ChoiceForm, dict(body))
        return choice if isinstance(choice, Refusal) else settle_choice(choice)
    if kind == "pair":
        pair = read_form(PairForm, dict(body))
        if isinstance(pair, Refusal):
            return pair
        return refuse_close(pair.chosen[-1].content, pair.rejected[-1].content) or pair
    return read_form(ThumbForm, dict(body))


def tell_choice(form: Any) -> dict[str, Any]:
    if isinstance(form, ChoiceForm):
        picked = {"kind": form.kind, "picked": form.picked, "replies": len(form.candidates)}
        return picked if form.source == LIVE else picked | {"agent": form.annotator}
    return {"value": (1 if form.label else -1)} if isinstance(form, ThumbForm) else {}


def tell_refusal(refusal: Refusal) -> dict[str, Any]:
    return {"refused": refusal.reason, "why": refusal.detail or explain(refusal.reason)}
