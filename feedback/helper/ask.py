"""Asks the helper one question, at most as often as it may be paid for.

Each request is a row, committed with its reservation before it is sent, and written on afterwards: no network
call is in a transaction, and what a crash leaves is `asked`. Whoever finds such a row of an ended process
marks it `unknown`; it counts as paid, and its question is asked once more and then no more.

    said = helper.ask(question)        # the stored answer, where there is one
"""

import threading
from collections.abc import Callable

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.clock import Clock
from feedback.helper.address import HelperAddress
from feedback.helper.errors import (
    BudgetSpent,
    HelperAway,
    HelperError,
    HelperRefused,
    HelperResting,
    ItemGone,
    JudgesItself,
    TextGone,
)
from feedback.helper.outcome import (
    HelperAnswer,
    choose_wait,
    find_answered,
    read_usage,
    settle_request,
    tell_answer,
)
from feedback.helper.question import (
    HelperQuestion,
    Message,
    ask_to_correct,
    bound_request,
    explain_schema,
    format_answer,
    name_question,
    write_messages,
)
from feedback.helper.rest import find_pause
from feedback.helper.settings import HelperSettings
from feedback.lease import Leaseholder, lease_of
from feedback.records.item_states import DROPPED
from feedback.records.redact import Redactor
from feedback.store import helper_calls, helper_subjects, items
from feedback.store.engine import read, save_row, unit_of_work
from feedback.store.tables import DEFAULT_DESK, HelperCall
from serving.client import chat
from serving.client.chat import ChatAnswer, ChatFailed

RETRIES = 2  # of a request that was not answered and not paid
MILLION = 1_000_000


class Helper:
    def __init__(
        self,
        *,
        store_engine: Engine,
        settings: HelperSettings,
        open_address: Callable[[], HelperAddress],
        redactor: Redactor,
        clock: Clock,
        closing: threading.Event | None = None,
        desk_id: str = DEFAULT_DESK,
    ) -> None:
        """`closing` ends the waits between requests."""
        self.settings = settings
        self._store = store_engine
        self._open_address = open_address
        self.redactor = redactor
        self._clock = clock
        self._closing = closing or threading.Event()
        self._desk_id = desk_id
        self._holder = Leaseholder(clock, settings.timeout_s + 60)
        self._plain: set[str] = set()  # hosts that know JSON and no schema

    @property
    def asked(self) -> str:
        """Address and model as the settings name them."""
        return f"{self.settings.host}/{self.settings.model}"

    def ask(self, question: HelperQuestion) -> HelperAnswer:
        """The answer. Raises what errors.py names."""
        address = self._open_address()
        try:
            if question.judges_replies and address.is_own_model:
                raise JudgesItself(question.use, address.model)
            return self._ask(question, address)
        finally:
            address.client.close()

    def _ask(self, question: HelperQuestion, address: HelperAddress) -> HelperAnswer:
        messages = write_messages(question, self.redactor)
        failures = 0
        while True:
            call = self._reserve(question, messages, address)
            if call.state == helper_calls.OK:
                return tell_answer(question, call)
            failed = self._send(question, call, address)
            if failed is None or failed.kind == chat.UNKNOWN:
                continue  # the next reservation reads what it came to
            if failed.is_format and address.host not in self._plain:
                self._plain.add(address.host)
                continue
            if failed.kind == chat.REFUSED:
                raise HelperRefused(address.host, failed.code)
            failures += 1
            if failures > RETRIES or self._closing.wait(choose_wait(failures, failed.retry_after_s)):
                raise HelperAway(address.host, failed.code)

    def _reserve(
        self, question: HelperQuestion, messages: list[Message], address: HelperAddress
    ) -> HelperCall:
        """The row of a request to send, or of one that was answered. Raises the errors that say why not."""
        key = name_question(question, messages, host=address.host, model=address.model)
        self._give_up_lost(key)
        with unit_of_work(self._store) as session:
            helper_calls.hold_budget(session, desk_id=self._desk_id)
            before = helper_calls.list_calls(session, desk_id=self._desk_id, key=key)
            answered = find_answered(before, question.use)
            if answered is not None:
                return answered
            self._require_awake(session, address.host)
            self._require_texts(session, question)
            invalid = [call for call in before if call.state == helper_calls.INVALID]
            if invalid:
                last = invalid[-1]
                messages = ask_to_correct(question, messages, last.answer or "", last.error or "")
            return self._add_call(session, question, messages, address, key)

    def _give_up_lost(self, key: str) -> None:
        """Marks requests of processes that have ended, for good: whatever the next transaction raises."""
        with read(self._store) as session:
            calls = helper_calls.list_calls(session, desk_id=self._desk_id, key=key)
        if not any(self._is_lost(call) for call in calls):
            return
        with unit_of_work(self._store) as session:
            helper_calls.hold_budget(session, desk_id=self._desk_id)
            for call in helper_calls.list_calls(session, desk_id=self._desk_id, key=key):
                if self._is_lost(call):
                    helper_calls.give_up(session, call=call, now=self._clock.now())

    def _is_lost(self, call: HelperCall) -> bool:
        return call.state == helper_calls.ASKED and self._holder.may_take(lease_of(call))

    def _add_call(
        self,
        session: Session,
        question: HelperQuestion,
        messages: list[Message],
        address: HelperAddress,
        key: str,
    ) -> HelperCall:
        now = self._clock.now()
        day = now.date().isoformat()
        if address.host in self._plain:
            messages = explain_schema(question, messages)
        most_in = bound_request(question, messages)
        reserved = most_in + question.max_tokens
        spent = helper_calls.sum_tokens(session, desk_id=self._desk_id, day=day)
        if spent + reserved > self.settings.daily_tokens:
            raise BudgetSpent(spent, reserved, self.settings.daily_tokens)
        row = HelperCall(
            desk_id=self._desk_id,
            use=question.use,
            version=question.version,
            host=address.host,
            model=address.model,
            key=key,
            item_id=question.item_id,
            request=messages,
            day=day,
            reserved=reserved,
            tokens=reserved,
            cost=self._price(most_in, question.max_tokens),
            created_at=now,
        )
        self._holder.grant().write_to(row)
        save_row(session, row)
        helper_subjects.add_subjects(session, call=row, subjects=question.subjects)
        return row

    def _require_awake(self, session: Session, host: str) -> None:
        until = find_pause(session, desk_id=self._desk_id, host=host, now=self._clock.now())
        if until is not None:
            raise HelperResting(host, until)

    def _require_texts(self, session: Session, question: HelperQuestion) -> None:
        """What is erased from here on finds the row, and takes the texts out of it."""
        if question.item_id is not None:
            item = items.get_item(session, desk_id=self._desk_id, item_id=question.item_id, lock=True)
            if item.state == DROPPED:
                raise ItemGone(item.id)
        for subject in question.subjects:
            if not helper_subjects.hold_subject(session, desk_id=self._desk_id, subject=subject):
                raise TextGone(subject.name)

    def _send(self, question: HelperQuestion, call: HelperCall, address: HelperAddress) -> ChatFailed | None:
        """Sends the request of a row and writes what it came to; returns why there is no answer."""
        began = self._clock.monotonic()
        came: ChatAnswer | ChatFailed
        try:
            came = address.client.complete(
                model=address.asked,
                messages=call.request or [],
                response_format=format_answer(question, is_plain=address.host in self._plain),
                max_tokens=question.max_tokens,
            )
        except ChatFailed as failure:
            came = failure
        ms = round((self._clock.monotonic() - began) * 1_000)
        if not self._keep_outcome(question, call, came, ms):
            raise name_gone(question)
        return came if isinstance(came, ChatFailed) else None

    def _keep_outcome(
        self, question: HelperQuestion, call: HelperCall, came: ChatAnswer | ChatFailed, ms: int
    ) -> bool:
        """Whether the texts are still there."""
        state, error = settle_request(question, came)
        answer = came if isinstance(came, ChatAnswer) else None
        tokens = read_usage(answer)
        with unit_of_work(self._store) as session:
            row = helper_calls.finish_call(
                session,
                call_id=call.id,
                state=state,
                error=error,
                answer=None if answer is None else answer.text,
                answered_by=None if answer is None else answer.model[:200],
                tokens=tokens,
                cost=None if tokens is None else self._price(*tokens),
                ms=ms,
                now=self._clock.now(),
            )
            return row.request is not None

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.settings.price_in + tokens_out * self.settings.price_out) / MILLION


def name_gone(question: HelperQuestion) -> HelperError:
    if question.item_id is not None:
        return ItemGone(question.item_id)
    return TextGone(", ".join(subject.name for subject in question.subjects))
