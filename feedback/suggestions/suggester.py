"""Prepares the suggestion set of a turn in the background: who prepares it and what is written down.

A turn goes through four steps: read what the prompt is built from, write the set as `preparing` under a
lease, ask the engine (`feedback.suggestions.generation`), write the candidates. No transaction is open while
the engine is asked. A set whose preparer died is taken over by the next reader or by `sweep`, which `watch`
repeats.

    suggester = Suggester(store_engine=..., fleet_factory=..., serving=..., settings=..., clock=...)
    suggester.watch(); suggester.enqueue(turn_id); suggester.wait(turn_id, timeout_s=30); suggester.close()
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from feedback.clock import Clock
from feedback.records.candidate import BASE, TUNED
from feedback.settings import FeedbackSettings
from feedback.store import set_writes
from feedback.store.engine import read, unit_of_work
from feedback.store.set_writes import Progress, TurnContext
from feedback.store.tables import SuggestionSet
from feedback.suggestions.generation import AWAY, Drawer, Drawing, cancel, name_failure, nothing_drawn
from feedback.suggestions.lease import is_lease_over, name_owner
from feedback.suggestions.metrics import SetMetrics
from feedback.suggestions.plan import (
    REQUESTS_AT_ONCE,
    SEED_LIMIT,
    BaseFacts,
    Plan,
    bound_tokens,
    count_at_least,
    describe_base_model,
    make_requests,
)
from feedback.suggestions.retry import Patience
from feedback.suggestions.routing import assign_adapters
from feedback.suggestions.rows import list_outcome, make_candidates, make_set
from feedback.suggestions.sweeper import Sweeper
from serving.adapters.staging import adapter_path
from serving.client.client import Sampling
from serving.client.fleet import Fleet
from serving.errors import ServingError
from serving.prompt import build_messages, count_left_out, fit_messages
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

# Time beyond the deadline for writing the result down before anybody may take the set over.
LEASE_MARGIN_S = 15
LOOK_EVERY_S = 0.5


@dataclass
class Flight:
    """A preparation in this process: who waits for it, and whether it reached its end."""

    landed: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0
    is_settled: bool = False


class AdapterMoved(Exception):
    """What serves changed between reading and writing: plan again."""


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
    ) -> None:
        self._store = store_engine
        self._fleet_factory = fleet_factory
        self._serving = serving
        self._settings = settings
        self._clock = clock
        self._compare_share = compare_share  # of the canary's conversations: sets of two versions
        self._randbelow = randbelow
        self._describe_base = describe_base or (lambda: describe_base_model(serving))
        self._facts: BaseFacts | None = None
        self._facts_lock = threading.Lock()
        self._owner = name_owner()
        self._lease_s = settings.set_deadline_s + LEASE_MARGIN_S
        self._sets = ThreadPoolExecutor(settings.suggest_workers, "set")
        self._requests = ThreadPoolExecutor(REQUESTS_AT_ONCE * settings.suggest_workers, "set-request")
        self._drawer = Drawer(self._requests, lambda: randbelow(SEED_LIMIT))
        self._flights: dict[str, Flight] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._sweeper = Sweeper(store_engine, clock, self._lease_s, self._is_abandoned, self.enqueue)
        self.metrics = SetMetrics()

    def enqueue(self, turn_id: str) -> bool:
        """Prepare the set of this turn soon; whether that is new. Repeating it is harmless, anywhere."""
        with self._lock:
            if self._closing.is_set() or turn_id in self._flights:
                return False
            self._flights[turn_id] = Flight()
            self._sets.submit(self._fly, turn_id)
            return True

    def wait(self, key: str, timeout_s: float) -> bool:
        """True as soon as the set (named by its own id or its turn's) is prepared; False after `timeout_s`.

        Starts the preparation if nobody is at it: the set was never begun, or its preparer died.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            with read(self._store) as session:
                found = set_writes.find_progress(session, key=key)
            if found is None or (found.state is None and found.turn_state != "waiting"):
                return False
            if found.is_settled:
                return True
            if self._is_abandoned(found):
                self.enqueue(found.turn_id)
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self._await_flight(found.turn_id, left):
                return True

    def _await_flight(self, turn_id: str, timeout_s: float) -> bool:
        """Whether this process settled the set; where another one has it, nobody wakes us."""
        with self._lock:
            flight = self._flights.get(turn_id)
            if flight is not None:
                flight.waiting += 1
        if flight is not None:
            flight.landed.wait(timeout_s)
            with self._lock:
                flight.waiting -= 1
        if flight is None or not flight.is_settled:
            time.sleep(min(timeout_s, LOOK_EVERY_S))
        return flight is not None and flight.is_settled

    def watch(self) -> None:
        """Sweeps now and every few seconds until `close`."""
        self._sweeper.start()

    def sweep(self) -> int:
        """Take up turns without a set and preparations whose preparer is gone; gives their number."""
        return self._sweeper.sweep()

    def close(self) -> None:
        """Finish what is begun, take nothing new. What waited in the queue, or for an engine that is away, is
        found by the next `sweep`.
        """
        with self._lock:
            self._closing.set()
        self._sweeper.close()
        self._sets.shutdown(wait=True, cancel_futures=True)
        self._requests.shutdown(wait=True, cancel_futures=True)

    def _fly(self, turn_id: str) -> None:
        flight = self._flights[turn_id]
        try:
            flight.is_settled = self._prepare(turn_id, flight)
        except Exception:  # the edge of this job: the row stays `preparing` and its lease runs out
            log.exception("set of turn %s could not be prepared", turn_id)
        finally:
            with self._lock:
                del self._flights[turn_id]
            flight.landed.set()

    def _prepare(self, turn_id: str, flight: Flight) -> bool:
        """Whether the set was settled here; False if there was nothing to prepare, or another does."""
        taken_up = time.monotonic()
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
        patience = Patience(time.monotonic() + self._settings.set_deadline_s, self._closing)
        messages, left_out, error = self._build_messages(context, facts, patience)
        plan = self._make_plan(messages, left_out, adapters)
        asked = self._drawer.ask(self._fleet_factory, plan, patience) if error is None else error
        try:  # the engine works while the row is written: an fsync less to wait for
            row = self._open(context, found, plan, facts)
        except AdapterMoved:
            cancel(asked)
            return self._prepare(turn_id, flight)
        if row is None:
            cancel(asked)
            return False
        drawing = nothing_drawn(plan, asked) if isinstance(asked, str) else asked.finish()
        if drawing.error == AWAY and self._closing.is_set():
            return False  # the engine may be back before our successor, who finds the row without an owner
        state = self._settle(row, drawing, flight)
        self.metrics.count(state or "lost", drawing, time.monotonic() - taken_up)
        log.info("set %s of turn %s is %s", row.id, row.turn_id, state or "another preparer's")
        return state is not None

    def _build_messages(
        self, context: TurnContext, facts: BaseFacts, patience: Patience
    ) -> tuple[list[dict[str, str]], int, str | None]:
        """Messages that fit the window and the characters that were left out for it; where they do not fit,
        all of them and the code of the failure.
        """
        messages = build_messages(
            context.history, system_prompt=context.system_prompt, knowledge=context.knowledge
        )
        budget = self._serving.max_model_len - self._serving.max_tokens
        try:
            fitted = fit_messages(
                messages, count_tokens=lambda some: self._count(some, facts, budget, patience), budget=budget
            )
            return fitted, count_left_out(messages, fitted), None
        except ServingError as failure:
            log.warning("prompt of turn %s cannot be used: %s", context.turn_id, failure)
            return messages, 0, name_failure(failure)

    def _count(
        self, messages: list[dict[str, str]], facts: BaseFacts, budget: int, patience: Patience
    ) -> int:
        if (least := count_at_least(messages)) > budget:
            return least
        bound = bound_tokens(facts.control_tokens.break_in_messages(messages))
        if bound <= budget:
            return bound
        return patience.keep_asking(lambda: self._ask_count(messages))

    def _ask_count(self, messages: list[dict[str, str]]) -> int:
        fleet = self._fleet_factory()
        kwargs = self._serving.chat_template_kwargs
        return fleet.count_tokens(model=fleet.base_name, messages=messages, chat_template_kwargs=kwargs)

    def _assign_adapters(self, session: Session, context: TurnContext, facts: BaseFacts) -> tuple[str, ...]:
        return assign_adapters(
            session,
            desk_id=context.desk_id,
            conversation_id=context.conversation_id,
            base_id=facts.base_id,
            compare_share=self._compare_share,
            count=self._settings.candidates,
        )

    def _make_plan(self, messages: list[dict[str, str]], left_out: int, adapters: tuple[str, ...]) -> Plan:
        return Plan(
            messages=messages,
            left_out=left_out,
            sampling=Sampling.from_settings(self._serving),
            chat_template_kwargs=self._serving.chat_template_kwargs,
            requests=make_requests(
                adapters, self._settings.candidates, self._drawer.make_seed, self._randbelow
            ),
            redraw_arm=(BASE, TUNED)[self._randbelow(2)],
            adapters={name: adapter_path(self._serving.data_dir, name) for name in adapters},
        )

    def _open(
        self, context: TurnContext, found: Progress, plan: Plan, facts: BaseFacts
    ) -> SuggestionSet | None:
        """The row under our lease, or None if there is nothing to prepare any more.

        The transaction that writes the names of the adapters makes sure that they serve still (else
        AdapterMoved): whoever unloads an adapter sees every set that may ask for it.
        """
        planned = make_set(
            context,
            plan,
            facts,
            slot_seed=self._randbelow(2**31),  # the column holds 32 bits
            owner=self._owner,
            now=self._clock.now(),
            lease_s=self._lease_s,
        )
        try:
            with unit_of_work(self._store) as session:
                if self._assign_adapters(session, context, facts) != tuple(plan.adapters):
                    raise AdapterMoved
                replaces = found if found.state is not None else None
                return set_writes.open_set(session, planned=planned, replaces=replaces)
        except IntegrityError:  # PostgreSQL: another process wrote the set of this turn first
            return None

    def _settle(self, row: SuggestionSet, drawing: Drawing, flight: Flight) -> str | None:
        """A reader who waits is shown the set as soon as it is written, so that moment is its reveal."""
        with unit_of_work(self._store) as session:
            return set_writes.settle_set(
                session,
                set_id=row.id,
                turn_id=row.turn_id,
                owner=self._owner,
                now=self._clock.now(),
                candidates=make_candidates(row, drawing),
                outcome=list_outcome(drawing),
                error=drawing.error,
                is_awaited=flight.waiting > 0,
            )

    def _is_abandoned(self, found: Progress) -> bool:
        now, term = self._clock.now(), timedelta(seconds=self._lease_s)
        return found.state is None or is_lease_over(found.lease_owner, found.lease_until, now=now, term=term)

    def _read_facts(self) -> BaseFacts:
        with self._facts_lock:  # hashing the weights of a large base takes a minute: once is enough
            if self._facts is None:
                self._facts = self._describe_base()
            return self._facts
