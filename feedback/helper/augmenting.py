"""Asks the helper for the texts of children: choices of train of the last dataset, worded otherwise by it.

    back_translate   the last message in the other one of Chinese and English, and back: two calls
    paraphrase       the last message in other words
    question         another message that the preferred reply answers

Then it is asked whether the preferred reply answers the new message, one call more. What it writes and says
is kept by these calls, under the name of the child. It changes nothing by itself: a build takes a text that
the reply fits, where that is asked for (feedback/augment/). What was said is not asked for again.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from feedback.augment.making import MADE
from feedback.augment.names import name_child
from feedback.datasets.build import read_split
from feedback.datasets.layout import dataset_dir
from feedback.errors import NotFound
from feedback.helper.ask import Helper
from feedback.helper.errors import TextGone
from feedback.helper.fit import ask_fit
from feedback.helper.labelling import FOR_GOOD
from feedback.helper.record_texts import RecordTexts, choose_writing, read_record_texts
from feedback.helper.write import PARAPHRASE, QUESTION, TRANSLATE, HelperText, write_text
from feedback.lineage.graph import Ref
from feedback.records.from_judgement import LIVE
from feedback.store.datasets import select_datasets
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK
from feedback.store.written_texts import name_call_of_child, read_texts_of_children

BACK_TRANSLATE = "back_translate"
KINDS = {BACK_TRANSLATE: TRANSLATE, "paraphrase": PARAPHRASE, "question": QUESTION}
WRITTEN, UNFIT, UNANSWERED, GONE = "written", "unfit", "unanswered", "gone"


class AugmentRun(NamedTuple):
    """What became of the children that were asked for."""

    dataset: str
    said: dict[str, int]


def ask_children(
    helper: Helper,
    store_engine: Engine,
    *,
    data_dir: Path,
    operation: str,
    most: int,
    desk_id: str = DEFAULT_DESK,
) -> AugmentRun | None:
    """Asks for at most so many texts that are not there yet; None without a dataset. Raises HelperError where
    it cannot go on: what was said until then is kept.
    """
    with read(store_engine) as session:
        rows = [row for row in select_datasets(session, desk_id=desk_id) if row.erased_at is None]
        known = read_texts_of_children(session, desk_id=desk_id, operations=[operation])
    if not rows:
        return None
    said: Counter[str] = Counter()
    for id in list_parents(dataset_dir(data_dir, rows[0].id)):
        child = Ref("choice", name_child(id, operation))
        if said.total() == most:
            break
        if str(child) not in known:
            said[ask_child(helper, store_engine, child, Ref("choice", id), operation, desk_id)] += 1
    return AugmentRun(rows[0].id, dict(said))


def list_parents(path: Path) -> Iterator[str]:
    """The names in lineage of the choices of train that people made."""
    for record in read_split(path, "choices", "train"):
        if MADE not in record:
            yield record["id"] if record["source"] == LIVE else f"{record['source']}/{record['id']}"


def ask_child(
    helper: Helper, store_engine: Engine, child: Ref, parent: Ref, operation: str, desk_id: str
) -> str:
    """What became of one child. Raises HelperError where no other would be answered either."""
    try:
        with read(store_engine) as session:
            texts = read_record_texts(session, desk_id=desk_id, ref=parent)
        written = write_child(helper, texts, operation)
        fit = ask_fit(helper, texts, written.text)
    except FOR_GOOD:
        return UNANSWERED
    except (TextGone, NotFound):
        return GONE
    with unit_of_work(store_engine) as session:
        subject = texts.subject._replace(name=str(child))
        for key in (written.key, fit.key):
            name_call_of_child(session, desk_id=desk_id, key=key, subject=subject)
    return WRITTEN if fit.value["fits"] else UNFIT


def write_child(helper: Helper, texts: RecordTexts, operation: str) -> HelperText:
    writing = choose_writing(KINDS[operation], texts)
    written = write_text(helper, writing)
    if operation != BACK_TRANSLATE:
        return written
    return write_text(helper, replace(writing, text=written.text))
