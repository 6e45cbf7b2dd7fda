"""Reads what settled items came to as records, weighed by how often their labellers are right."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine

from feedback.records.from_label import LabelForm, derive_outcome, weigh_item
from feedback.records.rejections import Refusal
from feedback.store.own_records import iterate_labels


class LabelledForm(NamedTuple):
    """A record, and what identifies its customer."""

    form: LabelForm
    known: Sequence[str]


def iterate_label_forms(
    store_engine: Engine,
    *,
    desk_id: str,
    kind: str,
    takes: Callable[[list[str], datetime | None, str | None], bool],
    left_out: Mapping[str, str],
    since: datetime | None,
    until: datetime,
) -> Iterator[LabelledForm | Refusal]:
    """The records of a form in the order of their time, and why others are none. `takes` selects by tags,
    time and language; `left_out` are items of which nothing is taken, and why.
    """
    for record, item in iterate_labels(store_engine, desk_id=desk_id, kind=kind, since=since, until=until):
        if not takes(record.tags, record.created_at, record.language):
            continue
        if record.origin_id in left_out:
            yield Refusal(left_out[record.origin_id])
            continue
        form = Refusal(record.rejection) if item is None else derive_outcome(item)
        if item is None or isinstance(form, Refusal):
            yield form  # type: ignore[misc]
            continue
        form.weight = (form.weight or 1.0) * weigh_item(item)
        yield LabelledForm(form, item.known)
