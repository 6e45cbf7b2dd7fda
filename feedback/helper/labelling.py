"""Lets the helper label in the background: item after item in the open tasks that it may help in.

What it says is kept beside the labels (`helper_label`), where no labeller, count or vote finds it. Whatever
it raises, people go on: an item that it cannot answer is simply theirs.

    labeller = HelperLabeller(store_engine=..., helper=..., clock=...)
    labeller.watch(); labeller.close()
"""

import logging
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.helper.ask import Helper
from feedback.helper.errors import AnswerInvalid, AnswerRefused, AnswerUnknown, HelperError, ItemGone
from feedback.helper.outcome import name_answerer
from feedback.helper.recheck import ask_one_more
from feedback.helper.settling import settle_alone
from feedback.helper.trust import renew_trust
from feedback.helper.uses import KINDS_OF, make_questions, read_values
from feedback.job_queue import JobQueue
from feedback.records.item_states import DROPPED
from feedback.store import helper_calls, helper_labels, items, tasks
from feedback.store.engine import read, save_row, unit_of_work
from feedback.store.helper_labels import ABSTAINED, SAID, UNANSWERED
from feedback.store.tables import DEFAULT_DESK, HelperLabel, Item, Task
from feedback.store.text_checks import hold_item

log = logging.getLogger(__name__)

EVERY_S = 30.0
AT_ONCE = 20  # items of a task, before trust is looked at and other tasks have their turn
FOR_GOOD = (AnswerRefused, AnswerInvalid, AnswerUnknown)  # people's, whenever it is asked


class HelperLabeller:
    def __init__(
        self, *, store_engine: Engine, helper: Helper, clock: Clock, desk_id: str = DEFAULT_DESK
    ) -> None:
        self._store = store_engine
        self._helper = helper
        self._clock = clock
        self._desk_id = desk_id
        self._jobs = JobQueue("helper", self.work)
        self._waits_for: type[HelperError] | None = None

    def watch(self) -> None:
        """Sweeps now and every half minute until `close`, in a thread of its own."""
        self._jobs.watch(self.sweep, EVERY_S)

    def close(self) -> None:
        """Stops after the request that is on its way."""
        self._jobs.close()

    def sweep(self) -> None:
        """Gives every task that it may help in its turn."""
        kinds = [KINDS_OF[use] for use in self._helper.settings.uses if use in KINDS_OF]
        with read(self._store) as session:
            found = helper_labels.list_helped_tasks(session, desk_id=self._desk_id, kinds=kinds)
        for task_id in found:
            self._jobs.enqueue(task_id)

    def work(self, task_id: str) -> None:
        """Labels some items of a task, weighs trust, and settles what a trusted helper may settle."""
        with read(self._store) as session:
            task = tasks.get_task(session, desk_id=self._desk_id, task_id=task_id)
            found = helper_labels.list_unsaid(
                session,
                task_id=task_id,
                asked=self._helper.asked,
                settled=self._helper.settings.rechecks,
                limit=AT_ONCE,
            )
        for item in found:
            if self._jobs.closing.is_set():
                return
            try:
                self._label(task, item)
            except ItemGone:
                continue
            except HelperError as fault:
                self._note(fault)
                break
        if self._helper.settings.rechecks:
            ask_one_more(self._store, task_id=task_id, clock=self._clock, desk_id=self._desk_id)
        with read(self._store) as session:
            host = self._helper.settings.host
            last = helper_calls.find_last_answer(session, desk_id=self._desk_id, host=host)
        if last is None:
            return
        model = name_answerer(last)  # not that of the last label, which may be an old answer again
        named: dict[str, Any] = {
            "task_id": task_id,
            "model": model,
            "clock": self._clock,
            "desk_id": self._desk_id,
        }
        if renew_trust(self._store, **named):
            settle_alone(self._store, **named)

    def _note(self, fault: HelperError) -> None:
        """Logs why the helper is not asked now, once for as long as that stays so."""
        if type(fault) is not self._waits_for:
            log.info("the helper waits: %s %s", fault, fault.hint)
            self._waits_for = type(fault)

    def _label(self, task: Task, item: Item) -> None:
        """Asks about an item, and keeps what was said. Raises the errors that say: later."""
        model = ""
        try:
            said = [self._helper.ask(question) for question in make_questions(task, item)]
        except FOR_GOOD as fault:
            log.info("the helper leaves item %s to people: %s", item.id, fault)
            value, state = None, UNANSWERED
        else:
            value, model = read_values(task.kind, [each.value for each in said]), said[-1].model
            if any(each.model != model for each in said):  # another one answered the second order
                value = None
            state = ABSTAINED if value is None else SAID
        self._waits_for = None
        row = HelperLabel(
            desk_id=self._desk_id,
            task_id=task.id,
            item_id=item.id,
            asked=self._helper.asked,
            model=model,
            state=state,
            value=value,
            created_at=self._clock.now(),
        )
        with unit_of_work(self._store) as session:
            held = hold_item(session, item=items.get_item(session, desk_id=self._desk_id, item_id=item.id))
            if held.state != DROPPED:  # erased meanwhile
                save_row(session, row)
