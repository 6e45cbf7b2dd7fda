"""Asks the engine for the replies of one set: requests in parallel, one redraw, one deadline for all.

    first  = base and one adapter (2+2), base and two versions (2+1+1) or base twice (4+0), each request with
             a seed of its own
    equal  = texts that occur twice are drawn again once
    result = K replies, of which any may be unavailable, and the requests that made them

An engine that does not answer, most often because it restarts, is asked again until the deadline. Answers
after the deadline are ignored.

Writes nothing and knows no store: `feedback.suggestions.suggester` stores the result.
"""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from functools import partial

from feedback.records.candidate import BASE, TUNED
from feedback.suggestions.blinding import Drawn, choose_redraws, find_fault
from feedback.suggestions.plan import Plan, Request
from feedback.suggestions.retry import AdapterUnusable, Retry, draw_loaded
from serving.client.client import Draw, Reply
from serving.client.fleet import Fleet
from serving.errors import (
    AdapterNotLoaded,
    EngineNotRunning,
    EngineTimeout,
    EngineUnreachable,
    PromptTooLong,
    ServingError,
)

log = logging.getLogger(__name__)

FAILED = "failed"
LATE = "late"
AWAY = "engine_unreachable"

FindFleet = Callable[[], Fleet]


@dataclass(frozen=True)
class Drawing:
    """The result of a plan. `error` is a code if no reply can be shown; it names no arm and no adapter."""

    drawn: list[Drawn]
    requests: list[Request]
    adapter: str | None
    prompt_token_ids: list[int] | None
    error: str | None


@dataclass
class AskedRequest:
    """A request as it was finally sent, and its result: a draw, or the reason why there is none."""

    request: Request
    draw: Draw | None = None
    failure: Exception | None = None
    is_late: bool = False

    def to_drawn(self) -> list[Drawn]:
        replies = self.draw.replies if self.draw else []
        return [
            self._read(replies[number] if number < len(replies) else None, number)
            for number in range(self.request.n)
        ]

    def _read(self, reply: Reply | None, number: int) -> Drawn:
        asked = self.request
        if reply is None:
            fault: str | None = LATE if self.is_late else FAILED
        else:
            fault = find_fault(reply.text, reply.finish_reason)
        return Drawn(asked.arm, asked.adapter, asked.request_no, number, reply, fault)


@dataclass(frozen=True)
class Drawer:
    """Draws sets on one fleet. `pool` needs REQUESTS_AT_ONCE threads for each set that is drawn at the same
    time.
    """

    pool: Executor
    make_seed: Callable[[], int]

    def ask(self, find_fleet: FindFleet, plan: Plan, retry: Retry) -> "PendingDrawing":
        """Sends the first requests of a plan and returns at once."""
        errand = Errand(find_fleet, plan, retry)
        return PendingDrawing(self, errand, self._submit(errand, plan.requests))

    def finish(self, errand: "Errand", asked: Sequence[Future[AskedRequest]]) -> Drawing:
        plan = errand.plan
        first = _collect_all(asked, plan.requests, errand.retry.deadline)
        drawn = [reply for answered in first for reply in answered.to_drawn()]
        requests = [answered.request for answered in first]
        again = self._ask_again(errand, drawn, requests)
        errand.retry.end()
        for answered in again:
            _take_over(drawn, answered)
        usable = any(reply.reason is None for reply in drawn)
        return Drawing(
            drawn=drawn,
            requests=[*requests, *(answered.request for answered in again)],
            adapter=_name_adapter(plan, requests),
            prompt_token_ids=next((a.draw.prompt_token_ids for a in first if a.draw is not None), None),
            error=None if usable else _name_error(first),
        )

    def _ask_again(
        self, errand: "Errand", drawn: Sequence[Drawn], requests: Sequence[Request]
    ) -> list[AskedRequest]:
        equal = choose_redraws(drawn, errand.plan.redraw_arm)
        wanted: list[Request] = []
        for adapter in dict.fromkeys(drawn[index].adapter for index in equal):
            replaces = tuple(index for index in equal if drawn[index].adapter == adapter)
            number, arm = len(requests) + len(wanted), drawn[replaces[0]].arm
            wanted.append(Request(number, arm, adapter, self.make_seed(), len(replaces), replaces))
        return _collect_all(self._submit(errand, wanted), wanted, errand.retry.deadline)

    def _submit(self, errand: "Errand", requests: Sequence[Request]) -> list[Future[AskedRequest]]:
        return [self.pool.submit(self._ask, errand, request) for request in requests]

    def _ask(self, errand: "Errand", request: Request) -> AskedRequest:
        try:
            return errand.retry.keep_asking(lambda: self._ask_one(errand.find_fleet(), errand.plan, request))
        except ServingError as failure:
            log.warning("request %d of a set failed: %s", request.request_no, failure)
            return AskedRequest(request, failure=failure)

    def _ask_one(self, fleet: Fleet, plan: Plan, request: Request) -> AskedRequest:
        """Sends one request. If its adapter cannot be used, the set's other version stands in for it, then
        the base.
        """
        stand_ins = [*(name for name in plan.adapters if name != request.adapter), None]
        while True:
            path = plan.adapters[request.adapter] if request.adapter else None
            try:
                draw = partial(_draw, fleet, plan, request)
                return AskedRequest(request, draw_loaded(fleet, request.adapter, path, draw))
            except (AdapterUnusable, AdapterNotLoaded) as failure:
                if request.adapter is None:
                    raise
                stand_in = stand_ins.pop(0)
                log.warning(
                    "adapter %s cannot be used, %s stands in: %s", request.adapter, stand_in or BASE, failure
                )
            request = replace(
                request, arm=TUNED if stand_in else BASE, adapter=stand_in, seed=self.make_seed()
            )


@dataclass(frozen=True)
class Errand:
    """What the requests of one set share. The fleet is looked up at each try, since an engine may restart on
    another port.
    """

    find_fleet: FindFleet
    plan: Plan
    retry: Retry


@dataclass(frozen=True)
class PendingDrawing:
    """The first requests of a set, which have been sent."""

    drawer: Drawer
    errand: Errand
    answers: list[Future[AskedRequest]]

    def finish(self) -> Drawing:
        """Waits for the replies until the deadline, including a redraw of equal texts."""
        return self.drawer.finish(self.errand, self.answers)


def cancel(asked: PendingDrawing | str | None) -> None:
    """Cancels requests whose answers nobody wants any more; answers to those already sent are ignored."""
    if isinstance(asked, PendingDrawing):
        asked.errand.retry.end()
        for answer in asked.answers:
            answer.cancel()


def name_failure(failure: Exception) -> str:
    """The error code of a failure, for the row and the agent. It does not reveal which arm or adapter was
    asked.
    """
    for kind, code in (
        (PromptTooLong, "prompt_too_long"),
        (EngineTimeout, "engine_timeout"),
        (EngineUnreachable, AWAY),
        (EngineNotRunning, AWAY),
    ):
        if isinstance(failure, kind):
            return code
    return "engine_refused"


def nothing_drawn(plan: Plan, error: str) -> Drawing:
    """The result of a plan that was never sent to the engine."""
    return Drawing([], list(plan.requests), plan.adapter, None, error)


def _draw(fleet: Fleet, plan: Plan, request: Request) -> Draw:
    return fleet.draw(
        model=request.adapter or fleet.base_name,
        messages=plan.messages,
        sampling=plan.sampling,
        seed=request.seed,
        n=request.n,
        chat_template_kwargs=plan.chat_template_kwargs,
    )


def _name_adapter(plan: Plan, requests: Sequence[Request]) -> str | None:
    """The adapter that the set is about, or the one that stood in for it; None if only base answered."""
    asked = [request.adapter for request in requests if request.adapter is not None]
    return plan.adapter if plan.adapter in asked else next(iter(asked), None)


def _collect_all(
    asked: Sequence[Future[AskedRequest]], requests: Sequence[Request], deadline: float
) -> list[AskedRequest]:
    """The answers that arrived by the deadline. A request without an answer by then counts as late."""
    wait(asked, timeout=max(0.0, deadline - time.monotonic()))
    return [_collect(future, request) for future, request in zip(asked, requests, strict=True)]


def _collect(future: Future[AskedRequest], request: Request) -> AskedRequest:
    if future.done():
        return future.result()
    future.cancel()
    return AskedRequest(request, is_late=True)


def _take_over(drawn: list[Drawn], redraw: AskedRequest) -> None:
    """Replaces a draw whose text occurred twice by its redraw. If the redraw failed too, the equal texts are
    merged.
    """
    for index, reply in zip(redraw.request.replaces, redraw.to_drawn(), strict=True):
        if reply.reason is None and reply.adapter == drawn[index].adapter:
            drawn[index] = reply


def _name_error(answers: Sequence[AskedRequest]) -> str:
    for answered in answers:
        if answered.failure is not None:
            return name_failure(answered.failure)
    return "engine_timeout" if any(answered.is_late for answered in answers) else "no_usable_reply"
