"""Draws the replies of duels in the background, one duel after another, two requests at a time.

    each round  = one request per side, side by side, with seeds that follow from the duel's
    again once  = both sides, when one has no usable reply or both have the same text
    result      = ready, equal (a tie that nobody is asked about) or left_out with its reason

Each round is written as soon as it is drawn, under a lease: a duel whose drawer died, or that a program
without one started, is taken up by the next `sweep`, which continues it. The drawer waits for an engine that
does not answer. The base never stands in for an adapter here: if one cannot be loaded, its duel fails.

    drawer = DuelDrawer(store_engine=..., fleet_factory=..., serving=..., clock=..., describe_base=...)
    drawer.watch(); drawer.enqueue(duel_id); drawer.close()
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.duels.prompts import draw_lot
from feedback.duels.start import SEED_LIMIT
from feedback.lease import Leaseholder
from feedback.records.text import normalise
from feedback.store import duels
from feedback.store.adapters import get_adapter
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Duel, DuelRound
from feedback.suggestions.blinding import find_fault
from feedback.suggestions.generation import AWAY, name_failure
from feedback.suggestions.plan import BaseFacts
from feedback.suggestions.retry import ENGINE_AWAY, AdapterUnusable, Retry, draw_loaded
from serving.adapters.staging import adapter_path
from serving.client.client import Draw, Sampling
from serving.client.fleet import Fleet
from serving.errors import ServingError
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

ATTEMPTS = 2
ASK_AGAIN_S = 2.0
LOOK_EVERY_S = 5.0
SIDES = ("a", "b")


class ContenderLost(Exception):
    """An adapter cannot be asked any more, so its duel cannot go on. The message is the error code."""


@dataclass(frozen=True)
class SideReply:
    """One request of a round and its reply. `fault` is None for a usable reply."""

    side: str
    adapter: str | None
    attempt: int
    seed: int
    fault: str | None
    draw: Draw | None

    @property
    def text(self) -> str | None:
        return self.draw.replies[0].text if self.draw else None

    def to_json(self) -> dict[str, Any]:
        names = ("side", "adapter", "attempt", "seed", "fault")
        return {name: getattr(self, name) for name in names}


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
        self._duels = ThreadPoolExecutor(1, "duel")
        self._requests = ThreadPoolExecutor(2, "duel-request")
        self._queued: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    def watch(self) -> None:
        """Sweeps now and every few seconds until `close`, in a thread of its own."""
        self._watcher = threading.Thread(target=self._watch, name="duel-watch", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                self.sweep()
            except Exception:  # the edge of this thread: the store may be busy, the next look tries again
                log.exception("no look for duels to draw")
            self._closing.wait(LOOK_EVERY_S)

    def enqueue(self, duel_id: str) -> None:
        """Asks to draw this duel soon. It may be repeated, also from another process."""
        with self._lock:
            if self._closing.is_set() or duel_id in self._queued:
                return
            self._queued.add(duel_id)
            self._duels.submit(self._fly, duel_id)

    def sweep(self) -> int:
        """Takes up duels that nobody draws; returns their number."""
        with read(self._store) as session:
            undrawn = duels.list_undrawn(session)
        abandoned = [id for id, lease in undrawn.items() if self._holder.may_take(lease)]
        for duel_id in abandoned:
            self.enqueue(duel_id)
        return len(abandoned)

    def close(self) -> None:
        """Stops after the round that is being drawn; the next `sweep` continues the duel."""
        with self._lock:
            self._closing.set()
        if self._watcher is not None:
            self._watcher.join()
        self._duels.shutdown(wait=True, cancel_futures=True)
        self._requests.shutdown(wait=True)

    def _fly(self, duel_id: str) -> None:
        try:
            self._draw_duel(duel_id)
        except Exception:  # the edge of this job: its lease runs out and the next sweep takes it up
            log.exception("duel %s could not be drawn", duel_id)
        finally:
            with self._lock:
                self._queued.discard(duel_id)

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
            now, owner = self._clock.now(), self._holder.owner
            state = duels.open_duel(session, duel_id=duel_id, owner=owner, now=now)
        log.info("duel %s is %s", duel_id, state or "another drawer's")

    def _take(self, duel_id: str, facts: BaseFacts) -> Duel | None:
        with read(self._store) as session:
            found = duels.list_undrawn(session).get(duel_id)
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
        for name in filter(None, (duel.adapter, duel.rival)):
            with read(self._store) as session:
                base_id = get_adapter(session, desk_id=duel.desk_id, name=name).base_id
            if duel.base_id and base_id != duel.base_id:
                raise ContenderLost("other_base")
            if not adapter_path(self._serving.data_dir, name).is_dir():
                raise ContenderLost("adapter_files_missing")

    def _draw_rounds(self, duel: Duel) -> bool:
        """Draws the rounds; True if all are drawn, False if this process ends or another has the duel now."""
        with read(self._store) as session:
            waiting = duels.list_waiting(session, duel_id=duel.id)
        for row in waiting:
            outcome = self._draw_patiently(duel, row)
            if outcome is None:
                return False
            with unit_of_work(self._store) as session:
                kept = duels.settle_round(
                    session,
                    duel_id=duel.id,
                    lease=self._holder.grant(),
                    round_id=row.id,
                    outcome=outcome,
                )
            if not kept:
                return False
        return True

    def _draw_patiently(self, duel: Duel, row: DuelRound) -> dict[str, Any] | None:
        """Draws a round, waiting for the engine. None if this process ends or another has the duel now."""
        if self._closing.is_set():
            return None
        retry = Retry(self._closing, every_s=ASK_AGAIN_S)
        try:
            return retry.keep_asking(lambda: self._draw_round(duel, row), lambda: self._keep(duel))
        except ENGINE_AWAY:
            return None

    def _keep(self, duel: Duel) -> bool:
        """Records that the engine does not answer; returns whether the duel is still ours."""
        with unit_of_work(self._store) as session:
            return duels.keep_duel(session, duel_id=duel.id, lease=self._holder.grant(), error=AWAY)

    def _draw_round(self, duel: Duel, row: DuelRound) -> dict[str, Any]:
        """Draws both replies of a round; returns the fields of its row."""
        asked: list[SideReply] = []
        for attempt in range(1, ATTEMPTS + 1):
            sides = [(side, attempt) for side in SIDES]
            a, b = self._requests.map(lambda one: self._ask(duel, row, *one), sides)
            asked += [a, b]
            state, reason = find_round_state(a, b)
            if state == duels.READY:
                break
        outcome: dict[str, Any] = {
            "state": state,
            "reason": reason,
            "requests": [one.to_json() for one in asked],
            "drawn_at": self._clock.now(),
        }
        for one in (a, b):
            if one.draw is not None:
                outcome |= {
                    f"{one.side}_text": one.text,
                    f"{one.side}_token_ids": one.draw.replies[0].token_ids,
                    "prompt_token_ids": one.draw.prompt_token_ids,
                }
        return outcome

    def _ask(self, duel: Duel, row: DuelRound, side: str, attempt: int) -> SideReply:
        adapter = row.a_adapter if side == "a" else row.b_adapter
        seed = make_seed(duel.seed, row.position, side, attempt)
        try:
            drawn = self._ask_engine(duel, row, adapter, seed)
        except ENGINE_AWAY:
            raise
        except ServingError as failure:
            log.warning("round %d of duel %s: %s", row.position, duel.id, failure)
            return SideReply(side, adapter, attempt, seed, name_failure(failure), None)
        reply = drawn.replies[0]
        return SideReply(side, adapter, attempt, seed, find_fault(reply.text, reply.finish_reason), drawn)

    def _ask_engine(self, duel: Duel, row: DuelRound, adapter: str | None, seed: int) -> Draw:
        """Asks the engine for one reply. Raises ContenderLost if the adapter cannot be loaded any more."""
        fleet = self._fleet_factory()
        path = adapter_path(self._serving.data_dir, adapter) if adapter else None
        try:
            return draw_loaded(fleet, adapter, path, lambda: draw_side(fleet, duel, row, adapter, seed))
        except AdapterUnusable as failure:
            log.warning("adapter %s cannot be loaded for duel %s: %s", adapter, duel.id, failure)
            raise ContenderLost("adapter_not_loadable") from failure


def draw_side(fleet: Fleet, duel: Duel, row: DuelRound, adapter: str | None, seed: int) -> Draw:
    assert duel.sampling is not None, "take_duel writes it"
    return fleet.draw(
        model=adapter or fleet.base_name,
        messages=row.messages,
        sampling=Sampling(**duel.sampling),
        seed=seed,
        n=1,
        chat_template_kwargs=row.chat_template_kwargs,
    )


def find_round_state(a: SideReply, b: SideReply) -> tuple[str, str | None]:
    """The state that these two replies give a round, and the reason if it is left out."""
    fault = a.fault or b.fault
    if fault is not None:
        return duels.LEFT_OUT, fault
    assert a.text is not None and b.text is not None, "a reply without a fault has a text"
    return (duels.EQUAL if normalise(a.text) == normalise(b.text) else duels.READY), None


def make_seed(seed: int, position: int, side: str, attempt: int) -> int:
    """A seed that follows from the duel's own, so that a duel that is taken over gets equal replies."""
    lot = draw_lot(seed, f"draw:{position}:{side}:{attempt}")
    return int.from_bytes(lot[:8], "big") % SEED_LIMIT
