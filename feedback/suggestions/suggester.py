"""Prepares the suggestion set of a turn in the background: which process prepares it and what is written.

A turn goes through four steps: read what the prompt is built from, write the set as `preparing` under a
lease, ask the engine (`feedback.suggestions.generation`), write the candidates. No transaction is open while
the engine is asked. Sets are generated for turns that an agent opened, then for the next turns in a view of
the queue that an agent has open, and for no others. While the engine rests, sets of opened turns fail at once
and those ahead wait. A set whose preparer died is taken over by the next reader or by `sweep`, which `watch`
repeats.

    suggester = Suggester(store_engine=..., fleet_factory=..., serving=..., settings=..., clock=...)
    suggester.watch(); suggester.ensure_set(turn_id); suggester.show_view(view, turn_ids); suggester.close()
"""

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from feedback.clock import Clock
from feedback.lease import Leaseholder
from feedback.records.candidate import BASE, TUNED
from feedback.settings import FeedbackSettings
from feedback.store import set_writes
from feedback.store.changes import turn_topic
from feedback.store.engine import read, unit_of_work
from feedback.store.set_writes import SetProgress, TurnContext
from feedback.store.tables import SuggestionSet
from feedback.suggestions.empty_sets import explain_empty_set
from feedback.suggestions.fitting import fit_prompt
from feedback.suggestions.generation import AWAY, GeneratedSet, PendingGeneration, nothing_generated
from feedback.suggestions.metrics import SetMetrics
from feedback.suggestions.plan import (
    REQUESTS_AT_ONCE,
    SEED_LIMIT,
    BaseFacts,
    Plan,
    describe_base_model,
    make_requests,
)
from feedback.suggestions.retry import Retry
from feedback.suggestions.routing import assign_adapters
from feedback.suggestions.rows import list_outcome, make_candidates, make_set
from feedback.suggestions.sweeper import Sweeper
from feedback.suggestions.views import QueueView, Views
from feedback.suggestions.waitlist import Waitlist
from serving.adapters.staging import adapter_path
from serving.client.client import Sampling
from serving.client.fleet import Fleet
from serving.errors import EngineResting, ServingError
from serving.prompt import choose_arguments
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

# Time beyond the deadline for writing the result down before anybody may take the set over.
LEASE_MARGIN_S = 15


class AdapterMoved(Exception):
    """What serves changed between reading and writing, so the set must be planned again."""


class Suggester:
    def __init__(
        self,
        *,
        store_engine: Engine,
        fleet_factory: Callable[[], Fleet],
        serving: ServingSettings,
        settings: FeedbackSettings,
        clock: Clock,
        compare_share: float = 0.0,
        randbelow: Callable[[int], int] = secrets.randbelow,
        describe_base: Callable[[], BaseFacts] | None = None,
        is_awaited: Callable[[str], bool] = lambda topic: False,
    ) -> None:
        self._store = store_engine
        self._fleet_factory = fleet_factory
        self._serving = serving
        self._settings = settings
        self._clock = clock
        self._compare_share = compare_share  # of the canary's conversations: sets of two versions
        self._randbelow = randbelow
        self._describe_base = describe_base or (lambda: describe_base_model(serving))
        self._is_awaited = is_awaited  # whether somebody waits for news of a topic
        self._facts: BaseFacts | None = None
        self._facts_lock = threading.Lock()
        self._holder = Leaseholder(clock, settings.set_deadline_s + LEASE_MARGIN_S)
        self._sets = ThreadPoolExecutor(settings.suggest_workers, "set")
        self._requests = ThreadPoolExecutor(REQUESTS_AT_ONCE * settings.suggest_workers, "set-request")
        self._waitlist, self._views = Waitlist(), Views(clock)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._sweeper = Sweeper(store_engine, self._views, self._is_abandoned, self._generate_ahead)
        self.metrics = SetMetrics()

    def enqueue(self, turn_id: str, *, is_opened: bool = True) -> bool:
        """Asks to prepare the set of this turn soon, before all that no agent has opened; returns whether
        that is new. It may be repeated, in any process.
        """
        with self._lock:
            if self._closing.is_set() or not self._waitlist.add(turn_id, is_opened=is_opened):
                return False
            self._sets.submit(self._fly)
            return True

    def show_view(self, view: QueueView, turn_ids: Iterable[str]) -> None:
        """Records that an agent has this view open now. `turn_ids` are its next turns without a set."""
        self._views.note(view)
        for turn_id in turn_ids:
            self._generate_ahead(turn_id)

    def notice_turn(self) -> None:
        """Reports a new customer message, whose turn may be among the next of an open view."""
        self._sweeper.wake()

    def ensure_set(self, key: str) -> bool:
        """Whether the set of this turn (or with this id) is prepared; if nobody prepares it, starts that."""
        with read(self._store) as session:
            found = set_writes.find_progress(session, key=key)
        if found is None or (found.state is None and found.turn_state != "waiting"):
            return False
        if not found.is_settled and self._is_abandoned(found):
            self.enqueue(found.turn_id)
        return found.is_settled

    def watch(self) -> None:
        """Sweeps now and every few seconds until `close`, in a thread of its own."""
        self._sweeper.start()

    def sweep(self) -> int:
        """Takes up turns that agents have in view and that nobody prepares; returns their number."""
        return self._sweeper.sweep()

    def close(self) -> None:
        """Finishes the preparations that have begun. The other turns wait until an agent looks again."""
        with self._lock:
            self._closing.set()
        self._sweeper.close()
        self._sets.shutdown(wait=True, cancel_futures=True)
        self._requests.shutdown(wait=True, cancel_futures=True)

    def _generate_ahead(self, turn_id: str) -> bool:
        return self.enqueue(turn_id, is_opened=False)

    def _fly(self) -> None:
        turn_id, is_opened = self._waitlist.take()
        try:
            self._prepare(turn_id, is_opened)
        except Exception:  # the edge of this job: the row stays `preparing` and its lease runs out
            log.exception("set of turn %s could not be prepared", turn_id)
        finally:
            self._waitlist.finish(turn_id)

    def _prepare(self, turn_id: str, is_opened: bool) -> bool:
        """Prepares a set; whether this call settled it, and not another process or nobody."""
        if not is_opened and self._is_engine_resting():
            return False  # the next sweep after its rest takes this turn up
        taken_up = self._clock.monotonic()
        facts = self._read_facts()
        with read(self._store) as session:
            found = set_writes.find_progress(session, key=turn_id)
            context = set_writes.read_turn(session, turn_id=turn_id)
            adapters = self._assign_adapters(session, context, facts) if context is not None else ()
        if found is None or found.is_settled or not self._is_abandoned(found):
            return False
        if context is None:
            with unit_of_work(self._store) as session:
                set_writes.close_overtaken(session, found=found)
            return False
        retry = Retry(self._closing, self._clock, within_s=self._settings.set_deadline_s)
        arguments = choose_arguments(
            facts.template, self._serving.chat_template_kwargs, self._clock.now().date()
        )
        messages, left_out, error = fit_prompt(
            self._serving, self._fleet_factory, context, facts, arguments, retry
        )
        plan = self._make_plan(messages, left_out, arguments, adapters)
        # An agent waits: the engine works while the row is written, an fsync less to wait for. Nobody does:
        # the lease comes first, since other processes answer agents who look at the same queue.
        asked = self._ask(plan, retry) if is_opened and error is None else None
        try:
            row = self._open(context, found, plan, facts)
        except AdapterMoved:
            if asked is not None:
                asked.cancel()
            return self._prepare(turn_id, is_opened)
        if row is None:
            if asked is not None:
                asked.cancel()
            return False
        if error is None:
            generated = (asked or self._ask(plan, retry)).finish()
        else:
            generated = nothing_generated(plan, error)
        if generated.error == AWAY and self._closing.is_set():
            return False  # the engine may be back before our successor, who finds the row without an owner
        state = self._settle(row, generated)
        self.metrics.count(state or "lost", generated, self._clock.monotonic() - taken_up)
        log.info("set %s of turn %s is %s", row.id, row.turn_id, state or "another preparer's")
        if empty := explain_empty_set(generated.error, plan.sampling.to_json(), arguments):
            log.warning("set %s has no reply to show: %s", row.id, empty.describe(self._serving.base_model))
        return state is not None

    def _ask(self, plan: Plan, retry: Retry) -> PendingGeneration:
        return PendingGeneration(self._requests, self._make_seed, self._fleet_factory, plan, retry)

    def _assign_adapters(self, session: Session, context: TurnContext, facts: BaseFacts) -> tuple[str, ...]:
        return assign_adapters(
            session,
            desk_id=context.desk_id,
            conversation_id=context.conversation_id,
            base_id=facts.base_id,
            compare_share=self._compare_share,
            count=self._settings.candidates,
        )

    def _make_plan(
        self,
        messages: list[dict[str, str]],
        left_out: int,
        arguments: dict[str, Any],
        adapters: tuple[str, ...],
    ) -> Plan:
        return Plan(
            messages=messages,
            left_out=left_out,
            sampling=Sampling.from_settings(self._serving),
            chat_template_kwargs=arguments,
            requests=make_requests(adapters, self._settings.candidates, self._make_seed, self._randbelow),
            resampled_arm=(BASE, TUNED)[self._randbelow(2)],
            adapters={name: adapter_path(self._serving.data_dir, name) for name in adapters},
        )

    def _open(
        self, context: TurnContext, found: SetProgress, plan: Plan, facts: BaseFacts
    ) -> SuggestionSet | None:
        """The set's row under our lease, or None if there is nothing to prepare any more.

        The transaction that writes the names of the adapters checks that they still serve (else
        AdapterMoved). So a process that unloads an adapter sees every set that may ask for it.
        """
        planned = make_set(
            context,
            plan,
            facts,
            slot_seed=self._randbelow(2**31),  # the column holds 32 bits
            lease=self._holder.grant(),
            now=self._clock.now(),
        )
        try:
            with unit_of_work(self._store) as session:
                if self._assign_adapters(session, context, facts) != tuple(plan.adapters):
                    raise AdapterMoved
                replaces = found if found.state is not None else None
                return set_writes.open_set(session, planned=planned, replaces=replaces)
        except IntegrityError:  # PostgreSQL: another process wrote the set of this turn first
            return None

    def _settle(self, row: SuggestionSet, generated: GeneratedSet) -> str | None:
        """Writes the candidates. A reader who waits is shown them at once: this reveals the set."""
        with unit_of_work(self._store) as session:
            return set_writes.settle_set(
                session,
                set_id=row.id,
                turn_id=row.turn_id,
                owner=self._holder.owner,
                now=self._clock.now(),
                candidates=make_candidates(row, generated),
                outcome=list_outcome(generated),
                error=generated.error,
                is_awaited=self._is_awaited(turn_topic(row.turn_id)),
            )

    def _make_seed(self) -> int:
        return self._randbelow(SEED_LIMIT)

    def _is_engine_resting(self) -> bool:
        try:
            self._fleet_factory()
        except EngineResting:
            return True
        except ServingError:
            pass
        return False

    def _is_abandoned(self, found: SetProgress) -> bool:
        return found.state is None or self._holder.may_take(found.lease)

    def _read_facts(self) -> BaseFacts:
        with self._facts_lock:  # hashing the weights of a large base takes a minute: once is enough
            if self._facts is None:
                self._facts = self._describe_base()
            return self._facts
