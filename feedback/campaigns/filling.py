"""Fills the tasks that open campaigns name with what comes in: conversations and sets of this desk that
belong to them, each once, at most as many as a campaign's target.

    filler = CampaignFiller(store_engine=..., data_dir=..., clock=...)
    filler.watch(); filler.close()
"""

import logging
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.clock import Clock
from feedback.errors import ApiError
from feedback.job_queue import JobQueue
from feedback.labelling.fill import Filling, get_fillable_task
from feedback.labelling.selection import ItemSelection, list_subjects
from feedback.records.from_judgement import LIVE
from feedback.store.campaigns import get_campaign, list_scenarios
from feedback.store.engine import read
from feedback.store.items import count_items_since
from feedback.store.label_subjects import list_present
from feedback.store.tables import DEFAULT_DESK, Campaign

log = logging.getLogger(__name__)

EVERY_S = 60.0
AT_ONCE = 200  # items of a campaign, before others have their turn


class CampaignFiller:
    def __init__(
        self, *, store_engine: Engine, data_dir: Path, clock: Clock, desk_id: str = DEFAULT_DESK
    ) -> None:
        self._store = store_engine
        self._data_dir = data_dir
        self._clock = clock
        self._desk_id = desk_id
        self._jobs = JobQueue("campaign", self.work)

    def watch(self) -> None:
        """Sweeps now and every minute until `close`, in a thread of its own."""
        self._jobs.watch(self.sweep, EVERY_S)

    def close(self) -> None:
        self._jobs.close()

    def sweep(self) -> None:
        """Gives every open campaign that fills a task its turn."""
        with read(self._store) as session:
            found = list_scenarios(session, desk_id=self._desk_id, now=self._clock.now())
        for each in found:
            if each.campaign.task_id is not None:
                self._jobs.enqueue(each.campaign.id)

    def wait(self) -> None:
        """Waits until all that is found by now is done."""
        self._jobs.wait()

    def work(self, campaign_id: str) -> None:
        """Adds what is new to a campaign's task; nothing where the task takes no items any more."""
        with read(self._store) as session:
            campaign = get_campaign(session, desk_id=self._desk_id, campaign_id=campaign_id)
            assert campaign.task_id is not None
            try:
                kind = get_fillable_task(session, desk_id=self._desk_id, task_id=campaign.task_id).kind
            except ApiError as fault:
                log.info("campaign %s fills nothing: %s", campaign_id, fault)
                return
            left = self._count_left(session, campaign, campaign.task_id)
            present = list_present(session, task_id=campaign.task_id)
        selection = ItemSelection(
            (LIVE,), tuple(campaign.tags), tuple(campaign.languages), since=campaign.created_at
        )
        found = list_subjects(
            self._store, desk_id=self._desk_id, kind=kind, selection=selection, data_dir=self._data_dir
        )
        if left > 0 and any(each.key not in present and not each.is_erased for each in found):
            filling = Filling(self._store, self._data_dir, self._desk_id, self._clock.now())
            filling.fill(campaign.task_id, selection, limit=min(AT_ONCE, left))

    def _count_left(self, session: Session, campaign: Campaign, task_id: str) -> int:
        return campaign.target - count_items_since(session, task_id=task_id, since=campaign.created_at)
