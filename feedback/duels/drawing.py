"""Draws the replies of duels in the background, one duel after another, two requests at a time.

    each round  = one request per side, side by side, with seeds that follow from the duel's
    again once  = both sides, when one has no usable reply or both have the same text
    result      = ready, equal (a tie that nobody is asked about) or left_out with its reason

Each round is written as soon as it is generated, under a lease: a duel whose drawer died, or that a program
without one started, is taken up by the next `sweep`, which continues it. The drawer waits for an engine that
does not answer. The base never stands in for an adapter here: if one cannot be loaded, its duel fails.

    drawer = DuelDrawer(store_engine=..., fleet_factory=..., serving=..., clock=..., describe_base=...)
    drawer.watch(); drawer.enqueue(duel_id); drawer.close()
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.duels.sides import AskedEngine, SideReply, find_item_state, make_seed
from feedback.job_queue import JobQueue
from feedback.lease import Lease, Leaseholder
from feedback.records.from_label import SIDES
from feedback.records.item_states import OPEN
from feedback.store import duel_rounds, duels
from feedback.store.adapters import get_adapter
from feedback.store.duel_rounds import EQUAL, READY
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Duel, Item
from feedback.suggestions.blinding import find_fault
from feedback.suggestions.generation import AWAY, name_failure
from feedback.suggestions.plan import BaseFacts
from feedback.suggestions.retry import ENGINE_AWAY, AdapterUnusable, Retry, generate_loaded
from serving.adapters.staging import adapter_path
from serving.client.client import Completions, Sampling
from serving.client.fleet import Fleet
from serving.errors import ServingError
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

ATTEMPTS = 2
ASK_AGAIN_S = 2.0
POLL_EVERY_S = 5.0


class ContenderLost(Exception):
    """An adapter cannot be asked any more, so its duel cannot go on. The message is the error code."""


class DuelDrawer:
    def __init__(
        self,
        *,
        store_engine: Engine,
        fleet_factory: Callable[[], Fleet],
        serving: ServingSettings,
        clock: Clock,
        describe_base: Callable[[], BaseFacts],
    ) -> None:
        self._store = store_engine
        self._fleet_factory = fleet_factory
        self._serving = serving
        self._clock = clock
        self._describe_base = describe_base
        self._holder = Leaseholder(clock, 60 + 2 * ATTEMPTS * serving.request_timeout_s)
        self._jobs = JobQueue("duel", self._draw_duel)
        self._requests = ThreadPoolExecutor(2, "duel-request")

    def watch(self) -> None:
        """Sweeps now and every few seconds until `close`, in a thread of its own."""
        self._jobs.watch(self.sweep, POLL_EVERY_S)

    def enqueue(self, duel_id: str) -> None:
        """Asks to generate this duel soon. It may be repeated, also from another process."""
        self._jobs.enqueue(duel_id)

    def sweep(self) -> int:
        """Takes up duels that nobody generates; returns their number."""
        undrawn = self._list_undrawn()
        abandoned = [id for id, lease in undrawn.items() if self._holder.may_take(lease)]
        for duel_id in abandoned:
            self.enqueue(duel_id)
        return len(abandoned)

    def close(self) -> None:
        """Stops after the round that is being generated; the next `sweep` continues the duel."""
        self._jobs.close()
        self._requests.shutdown(wait=True)

    def _list_undrawn(self) -> dict[str, Lease]:
        with read(self._store) as session:
            return duels.list_undrawn(session)

    def _draw_duel(self, duel_id: str) -> None:
        facts = self._describe_base()
        duel = self._take(duel_id, facts)
        if duel is None:
            return
        try:
            self._check_contenders(duel)
            if not self._draw_rounds(duel):
                return
        except ContenderLost as lost:
            log.warning("duel %s failed: %s", duel_id, lost)
            with unit_of_work(self._store) as session:
                duels.fail_duel(session, duel_id=duel_id, owner=self._holder.owner, error=str(lost))
            return
        with unit_of_work(self._store) as session:
            counts = duel_rounds.count_rounds(session, duel_ids=[duel_id])[duel_id]
            state = duels.open_duel(
                session,
                duel_id=duel_id,
                owner=self._holder.owner,
                countable=counts[READY] + counts[EQUAL] > 0,
                now=self._clock.now(),
            )
        log.info("duel %s is %s", duel_id, state or "another drawer's")

    def _take(self, duel_id: str, facts: BaseFacts) -> Duel | None:
        found = self._list_undrawn().get(duel_id)
        if found is None or not self._holder.may_take(found):
            return None
        plan = {
            "sampling": Sampling.from_settings(self._serving).to_json(),
            "base_id": facts.base_id,
            "template_hash": facts.template_hash,
        }
        with unit_of_work(self._store) as session:
            return duels.take_duel(
                session, duel_id=duel_id, replaces=found, lease=self._holder.grant(), plan=plan
            )

    def _check_contenders(self, duel: Duel) -> None:
        for name, base_id in self._list_contenders(duel):
            with read(self._store) as session:
                found = get_adapter(session, desk_id=duel.desk_id, name=name).base_id
            if base_id and base_id != found:
                raise ContenderLost("other_base")
            if not adapter_path(self._serving.data_dir, name).is_dir():
                raise ContenderLost("adapter_files_missing")

    def _list_contenders(self, duel: Duel) -> list[tuple[str, str]]:
        """The adapters of a duel, each with the base that it must have been trained on."""
        return [(name, duel.base_id) for name in (duel.adapter, duel.rival) if name is not None]

    def _draw_rounds(self, duel: Duel) -> bool:
        """Generates the rounds; True if all are generated, False if this process ends or another has the duel
        now.
        """
        with read(self._store) as session:
            waiting = duel_rounds.list_waiting(session, task_id=duel.task_id)
        for row in waiting:
            outcome = self._draw_patiently(duel, row)
            if outcome is None:
                return False
            with unit_of_work(self._store) as session:
                kept = duel_rounds.settle_round(
                    session, duel_id=duel.id, lease=self._holder.grant(), round_id=row.id, outcome=outcome
                )
            if not kept:
                return False
        return True

    def _draw_patiently(self, duel: Duel, row: Item) -> dict[str, Any] | None:
        """Draws a round, waiting for the engine. None if this process ends or another has the duel now."""
        if self._jobs.closing.is_set():
            return None
        retry = Retry(self._jobs.closing, self._clock, every_s=ASK_AGAIN_S, waits_out_rests=True)
        try:
            return retry.keep_asking(lambda: self._draw_round(duel, row), lambda: self._keep(duel))
        except ENGINE_AWAY:
            return None

    def _keep(self, duel: Duel) -> bool:
        """Records that the engine does not answer; returns whether the duel is still ours."""
        with unit_of_work(self._store) as session:
            return duels.keep_duel(session, duel_id=duel.id, lease=self._holder.grant(), error=AWAY)

    def _draw_round(self, duel: Duel, row: Item) -> dict[str, Any]:
        """Draws both replies of a round; returns what its item becomes."""
        asked: list[SideReply] = []
        for attempt in range(1, ATTEMPTS + 1):
            sides = [(side, attempt) for side in SIDES]
            a, b = self._requests.map(lambda one: self._ask(duel, row, *one), sides)
            asked += [a, b]
            state, reason = find_item_state(a, b)
            if state == OPEN:
                break
        shown: dict[str, Any] = {}
        hidden: dict[str, Any] = {
            "requests": [one.to_json() for one in asked],
            "drawn_at": self._clock.now().isoformat(),
        }
        for one in (a, b):
            if one.completions is not None:
                shown[one.side] = one.text
                hidden[f"{one.side}_token_ids"] = one.completions.replies[0].token_ids
                hidden["prompt_token_ids"] = one.completions.prompt_token_ids
        return {"state": state, "reason": reason, "shown": shown, "hidden": hidden}

    def _ask(self, duel: Duel, row: Item, side: str, attempt: int) -> SideReply:
        adapter = row.hidden[f"{side}_adapter"]
        seed = make_seed(duel.seed, row.position, side, attempt)
        try:
            completions = self._ask_engine(duel, row, side, seed)
        except ENGINE_AWAY:
            raise
        except ServingError as failure:
            log.warning("round %d of duel %s: %s", row.position, duel.id, failure)
            return SideReply(side, adapter, attempt, seed, name_failure(failure), None)
        reply = completions.replies[0]
        return SideReply(side, adapter, attempt, seed, find_fault(reply), completions)

    def _ask_engine(self, duel: Duel, row: Item, side: str, seed: int) -> Completions:
        """Asks the engine for one reply. Raises ContenderLost if the adapter cannot be loaded any more."""
        adapter = row.hidden[f"{side}_adapter"]
        asked = self._find_engine(duel, row, side)
        path = adapter_path(self._serving.data_dir, adapter) if adapter else None
        try:
            generate = partial(asked.generate, row.shown["messages"], adapter, seed)
            return generate_loaded(asked.fleet, adapter, path, generate)
        except AdapterUnusable as failure:
            log.warning("adapter %s cannot be loaded for duel %s: %s", adapter, duel.id, failure)
            raise ContenderLost("adapter_not_loadable") from failure

    def _find_engine(self, duel: Duel, row: Item, side: str) -> AskedEngine:
        """Both sides are asked alike."""
        assert duel.sampling is not None, "take_duel writes it"
        return AskedEngine(
            self._fleet_factory(), Sampling(**duel.sampling), row.hidden["chat_template_kwargs"]
        )
