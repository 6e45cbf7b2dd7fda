"""Prepares the suggestion set of a turn in the background: who prepares it and what is written down.

A turn goes through four steps: read what the prompt is built from, write the set as `preparing` under a
lease, ask the engine (`feedback.suggestions.generation`), write the candidates. No transaction is open while
the engine is asked. A set whose preparer died is taken over by the next reader or by `sweep`, which `watch`
repeats.

    suggester = Suggester(store_engine=..., fleet_factory=..., serving=..., settings=..., clock=...)
    suggester.watch(); suggester.enqueue(turn_id); suggester.look_after(turn_id); suggester.close()
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from feedback.clock import Clock
from feedback.records.candidate import BASE, TUNED
from feedback.settings import FeedbackSettings
from feedback.store import set_writes
from feedback.store.changes import turn_topic
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
        self._owner = name_owner()
        self._lease_s = settings.set_deadline_s + LEASE_MARGIN_S
        self._sets = ThreadPoolExecutor(settings.suggest_workers, "set")
        self._requests = ThreadPoolExecutor(REQUESTS_AT_ONCE * settings.suggest_workers, "set-request")
        self._drawer = Drawer(self._requests, lambda: randbelow(SEED_LIMIT))
        self._flights: set[str] = set()  # turns of which this process prepares the set
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._sweeper = Sweeper(store_engine, clock, self._lease_s, self._is_abandoned, self.enqueue)
        self.metrics = SetMetrics()

    def enqueue(self, turn_id: str) -> bool:
        """Prepare the set of this turn soon; whether that is new. Repeating it is harmless, anywhere."""
        with self._lock:
            if self._closing.is_set() or turn_id in self._flights:
                return False
            self._flights.add(turn_id)
            self._sets.submit(self._fly, turn_id)
            return True

    def look_after(self, key: str) -> bool:
        """Whether the set (named by its own id or its turn's) is prepared. Begins the preparation if nobody
        is at it: the set was never begun, or its preparer died.
        """
        with read(self._store) as session:
            found = set_writes.find_progress(session, key=key)
        if found is None or (found.state is None and found.turn_state != "waiting"):
            return False
        if not found.is_settled and self._is_abandoned(found):
            self.enqueue(found.turn_id)
        return found.is_settled

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
        try:
            self._prepare(turn_id)
        except Exception:  # the edge of this job: the row stays `preparing` and its lease runs out
            log.exception("set of turn %s could not be prepared", turn_id)
        finally:
            with self._lock:
                self._flights.discard(turn_id)

    def _prepare(self, turn_id: str) -> bool:
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
            return self._prepare(turn_id)
        if row is None:
            cancel(asked)
            return False
        drawing = nothing_drawn(plan, asked) if isinstance(asked, str) else asked.finish()
        if drawing.error == AWAY and self._closing.is_set():
            return False  # the engine may be back before our successor, who finds the row without an owner
        state = self._settle(row, drawing)
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

    def _settle(self, row: SuggestionSet, drawing: Drawing) -> str | None:
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
                is_awaited=self._is_awaited(turn_topic(row.turn_id)),
            )

    def _is_abandoned(self, found: Progress) -> bool:
        now, term = self._clock.now(), timedelta(seconds=self._lease_s)
        return found.state is None or is_lease_over(found.lease_owner, found.lease_until, now=now, term=term)

    def _read_facts(self) -> BaseFacts:
        with self._facts_lock:  # hashing the weights of a large base takes a minute: once is enough
            if self._facts is None:
                self._facts = self._describe_base()
            return self._facts
