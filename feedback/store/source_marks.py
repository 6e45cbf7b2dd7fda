"""Which datasets and adapters hold records of a source that is withdrawn by now. Nothing is stored for it:
resuming the source takes the marks away. Keyword-only, session first, no commit.
"""

from datetime import datetime

from sqlmodel import Session

from feedback.store.mixed_datasets import list_learnt
from feedback.store.sources import read_withdrawn
from feedback.store.tables import Adapter, Dataset


def list_sources_of(dataset: Dataset) -> set[str]:
    """The sources whose records a dataset holds, themselves or by what people said of them."""
    held = (dataset.counts.get(name, {}) for name in ("sources", "labelled_sources"))
    return {name for counts in held for name, splits in counts.items() if splits["all"]}


def find_withdrawn_in(session: Session, *, dataset: Dataset) -> dict[str, datetime]:
    """The withdrawn sources of a dataset's records, each with the time of its withdrawal."""
    held = list_sources_of(dataset)
    return {name: at for name, at in read_withdrawn(session, desk_id=dataset.desk_id).items() if name in held}


def find_withdrawn_of(session: Session, *, adapter: Adapter) -> dict[str, datetime]:
    """The withdrawn sources of the records that an adapter was trained on."""
    learnt = list_learnt(session, adapter=adapter)
    return {
        name: at for dataset in learnt for name, at in find_withdrawn_in(session, dataset=dataset).items()
    }
