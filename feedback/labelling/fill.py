"""Fills a task with items from a selection: frozen as they are shown, in the order of a hash, each once.

Texts are read in short transactions and the items added in one, so filling holds up nobody. The same
selection again adds what is new. What cannot be labelled is counted by reason.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.canonical import hash_text
from feedback.errors import Conflict
from feedback.labelling.freezing import Frozen, freeze
from feedback.labelling.kinds import CHECK, check_value
from feedback.labelling.selection import ItemSelection, list_subjects
from feedback.records.redact import open_redactor
from feedback.store.engine import read, save_row, unit_of_work
from feedback.store.items import add_items, find_last_position
from feedback.store.label_subjects import (
    CONVERSATION,
    Material,
    Subject,
    keep_unerased,
    list_present,
    read_material,
)
from feedback.store.sources import read_left_out
from feedback.store.tables import Item, Task
from feedback.store.tasks import CLOSED, OF_REWRITES, TaskClosed, get_changeable_task

MOST_ITEMS = 10_000
AT_A_TIME = 200


class ChecksFillThemselves(Conflict):
    def __init__(self, task_id: str) -> None:
        super().__init__(
            "task_of_checks",
            f"Task {task_id} checks what another one settled; a selection has nothing for it.",
            "POST /v1/tasks/<task_id>/checks draws its items.",
        )


def get_fillable_task(session: Session, *, desk_id: str, task_id: str) -> Task:
    """A task that takes items by a selection. Raises NotFound, TaskOfDuel, TaskOfRewrites, TaskClosed,
    ChecksFillThemselves.
    """
    task = get_changeable_task(session, desk_id=desk_id, task_id=task_id)
    if task.state == CLOSED:
        raise TaskClosed(task_id)
    if task.kind == CHECK:
        raise ChecksFillThemselves(task_id)
    return task


def is_fillable(task: Task) -> bool:
    """Whether `get_fillable_task` would give it, which is not asked for one task after the other."""
    return task.state != CLOSED and task.kind != CHECK and not {"duel", OF_REWRITES} & task.selection.keys()


@dataclass
class Filled:
    """How many items were added, how many the task had already, and why others were refused."""

    added: int = 0
    skipped: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Filling:
    store_engine: Engine
    data_dir: Path
    desk_id: str
    now: datetime

    def fill(
        self,
        task_id: str,
        selection: ItemSelection,
        *,
        limit: int = MOST_ITEMS,
        gold: Mapping[str, dict[str, Any]] | None = None,
    ) -> Filled:
        """Adds at most `limit` items. `gold` are known answers by the id of their subject, which come first.
        Raises NotFound, TaskClosed, ChecksFillThemselves, MissedPicksUnknown, ValueUnknown.
        """
        filled, gold = Filled(), gold or {}
        task, present, left_out = self._read_task(task_id)
        found = list_subjects(
            self.store_engine,
            desk_id=self.desk_id,
            kind=task.kind,
            selection=selection,
            data_dir=self.data_dir,
        )
        fresh = [each for each in found if each.key not in present]
        filled.skipped = len(found) - len(fresh)
        fresh.sort(key=lambda each: (each.id not in gold, -each.nats, _hash(task, each)))
        usable = self._drop_unusable(fresh, left_out, filled)
        made = self._make_items(task, usable, limit=limit, gold=gold, filled=filled)
        self._add(task_id, made, selection, filled)
        return filled

    def _read_task(self, task_id: str) -> tuple[Task, set[tuple[str, str]], Mapping[str, str]]:
        with read(self.store_engine) as session:
            task = get_fillable_task(session, desk_id=self.desk_id, task_id=task_id)
            present = list_present(session, task_id=task_id)
            return task, present, read_left_out(session, desk_id=self.desk_id)

    def _drop_unusable(
        self, subjects: Sequence[Subject], left_out: Mapping[str, str], filled: Filled
    ) -> list[Subject]:
        usable = []
        for each in subjects:
            reason = "erased" if each.is_erased else left_out.get(each.source)
            if reason is None:
                usable.append(each)
            else:
                filled.refused[reason] += 1
        return usable

    def _make_items(
        self,
        task: Task,
        subjects: Sequence[Subject],
        *,
        limit: int,
        gold: Mapping[str, dict[str, Any]],
        filled: Filled,
    ) -> list[Item]:
        made: list[Item] = []
        redactor = open_redactor(self.data_dir)
        for subject, material in self._read(subjects):
            if len(made) == limit:
                break
            if isinstance(material, str):
                filled.refused[material] += 1
                continue
            frozen = freeze(task.kind, material, seed=_hash(task, subject), redactor=redactor)
            if isinstance(frozen, str):
                filled.refused[frozen] += 1
                continue
            item = _make_item(task, subject, material, frozen, self.now)
            if subject.id in gold:
                item.gold = check_value(task.kind, gold[subject.id], question=task.question, shown=item.shown)
            made.append(item)
        made.sort(key=lambda item: hash_text(f"{task.seed}:{item.subject_kind}:{item.subject_id}"))
        return made

    def _read(self, subjects: Sequence[Subject]) -> Iterator[tuple[Subject, Material | str]]:
        """The subjects in their order, with their texts, a few at a time."""
        for start in range(0, len(subjects), AT_A_TIME):
            page = subjects[start : start + AT_A_TIME]
            texts: dict[tuple[str, str], Material | str] = {}
            with read(self.store_engine) as session:
                for kind in dict.fromkeys(each.kind for each in page):
                    ids = [each.id for each in page if each.kind == kind]
                    found = read_material(session, kind=kind, ids=ids)
                    texts |= {(kind, id): material for id, material in found.items()}
            yield from ((each, texts.get(each.key, "erased")) for each in page)

    def _add(self, task_id: str, made: Sequence[Item], selection: ItemSelection, filled: Filled) -> None:
        """Adds the items behind those that are there. Others may have filled the task meanwhile."""
        with unit_of_work(self.store_engine) as session:
            task = get_changeable_task(session, desk_id=self.desk_id, task_id=task_id, lock=True)
            if task.state == CLOSED:
                raise TaskClosed(task_id)
            present = list_present(session, task_id=task_id)
            new = [item for item in made if (item.subject_kind, item.subject_id) not in present]
            filled.skipped += len(made) - len(new)
            kept = keep_unerased(session, subjects={_owner(item) for item in new})
            filled.refused["erased"] += sum(_owner(item) not in kept for item in new)
            new = [item for item in new if _owner(item) in kept]
            for place, item in enumerate(new, find_last_position(session, task_id=task_id) + 1):
                item.position, item.tier = place, task.tier
            add_items(session, items=new)
            task.selection = selection.to_json()
            save_row(session, task)
        filled.added, filled.refused = len(new), +filled.refused


def _owner(item: Item) -> tuple[str, str]:
    """Whose texts the item shows: those of a conversation or of an imported record."""
    if item.conversation_id is not None:
        return CONVERSATION, item.conversation_id
    return item.subject_kind, item.subject_id


def _hash(task: Task, subject: Subject) -> str:
    return hash_text(f"{task.seed}:{subject.kind}:{subject.id}")


def _make_item(task: Task, subject: Subject, material: Material, frozen: Frozen, now: datetime) -> Item:
    return Item(
        desk_id=task.desk_id,
        task_id=task.id,
        position=0,
        subject_kind=subject.kind,
        subject_id=subject.id,
        conversation_id=material.conversation_id,
        conversation=material.conversation,
        language=material.language,
        shown=frozen.shown,
        hidden=frozen.hidden,
        tier=task.tier,
        created_at=now,
    )
