"""Asks the engine for the replies of one set: requests in parallel, one resample, one deadline for all.

    first  = base and one adapter (2+2), base and two versions (2+1+1) or base twice (4+0), each request with
             a seed of its own
    equal  = texts that occur twice are generated again once
    result = K replies, of which any may be unavailable, and the requests that made them

An engine that does not answer, most often because it restarts, is asked again until the deadline; one that
rests while a run trains is not. Answers after the deadline are ignored.

Writes nothing and knows no store: `feedback.suggestions.suggester` stores the result.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace
from functools import partial

from feedback.records.candidate import BASE, TUNED
from feedback.suggestions.blinding import GeneratedCandidate, choose_resamples, find_fault
from feedback.suggestions.empty_sets import name_common_fault
from feedback.suggestions.plan import Plan, Request
from feedback.suggestions.retry import AdapterUnusable, Retry, generate_loaded
from serving.client.client import Completions
from serving.client.fleet import Fleet
from serving.errors import (
    AdapterNotLoaded,
    EngineNotRunning,
    EngineResting,
    EngineTimeout,
    EngineUnreachable,
    PromptTooLong,
    ServingError,
)

log = logging.getLogger(__name__)

FAILED = "failed"
LATE = "late"
AWAY = "engine_unreachable"
RESTS = "engine_rests"

FindFleet = Callable[[], Fleet]


@dataclass(frozen=True)
class GeneratedSet:
    """The result of a plan. `error` is a code if no reply can be shown; it names no arm and no adapter."""

    replies: list[GeneratedCandidate]
    requests: list[Request]
    adapter: str | None
    prompt_token_ids: list[int] | None
    error: str | None


@dataclass
class AskedRequest:
    """A request as it was finally sent, and its result: completions, or the reason why there is none."""

    request: Request
    completions: Completions | None = None
    failure: Exception | None = None
    is_late: bool = False

    def to_candidates(self) -> list[GeneratedCandidate]:
        asked, replies = self.request, self.completions.replies if self.completions else []
        missing, generated = LATE if self.is_late else FAILED, []
        for number in range(asked.n):
            reply = replies[number] if number < len(replies) else None
            fault = find_fault(reply) if reply else missing
            generated.append(
                GeneratedCandidate(asked.arm, asked.adapter, asked.request_no, number, reply, fault)
            )
        return generated


@dataclass
class PendingGeneration:
    """A set that is being generated. Its first requests are sent at once. The fleet is looked up at each try,
    since an engine may have moved. `pool` needs REQUESTS_AT_ONCE threads for each set generated at once.
    """

    pool: Executor
    make_seed: Callable[[], int]
    find_fleet: FindFleet
    plan: Plan
    retry: Retry

    def __post_init__(self) -> None:
        self._answers = self._submit(self.plan.requests)

    def cancel(self) -> None:
        """Cancels requests whose answers nobody wants any more; answers to those already sent are ignored."""
        self.retry.end()
        for answer in self._answers:
            answer.cancel()

    def finish(self) -> GeneratedSet:
        """Waits for the replies until the deadline, including a resample of equal texts."""
        first = self._collect_all(self._answers, self.plan.requests)
        generated = [reply for answered in first for reply in answered.to_candidates()]
        requests = [answered.request for answered in first]
        again = self._ask_again(generated, requests)
        self.retry.end()
        for answered in again:
            _take_over(generated, answered)
        usable = any(reply.reason is None for reply in generated)
        return GeneratedSet(
            replies=generated,
            requests=[*requests, *(answered.request for answered in again)],
            adapter=_name_adapter(self.plan, requests),
            prompt_token_ids=next(
                (a.completions.prompt_token_ids for a in first if a.completions is not None), None
            ),
            error=None if usable else _name_error(first, generated),
        )

    def _ask_again(
        self, generated: Sequence[GeneratedCandidate], requests: Sequence[Request]
    ) -> list[AskedRequest]:
        equal = choose_resamples(generated, self.plan.resampled_arm)
        wanted: list[Request] = []
        for adapter in dict.fromkeys(generated[index].adapter for index in equal):
            replaces = tuple(index for index in equal if generated[index].adapter == adapter)
            number, arm = len(requests) + len(wanted), generated[replaces[0]].arm
            wanted.append(Request(number, arm, adapter, self.make_seed(), len(replaces), replaces))
        return self._collect_all(self._submit(wanted), wanted)

    def _submit(self, requests: Sequence[Request]) -> list[Future[AskedRequest]]:
        return [self.pool.submit(self._ask, request) for request in requests]

    def _collect_all(
        self, asked: Sequence[Future[AskedRequest]], requests: Sequence[Request]
    ) -> list[AskedRequest]:
        """The answers that arrived by the deadline. A request without an answer by then counts as late."""
        wait(asked, timeout=max(0.0, self.retry.left_s))
        return [_collect(future, request) for future, request in zip(asked, requests, strict=True)]

    def _ask(self, request: Request) -> AskedRequest:
        try:
            return self.retry.keep_asking(lambda: self._ask_one(self.find_fleet(), request))
        except ServingError as failure:
            log.warning("request %d of a set failed: %s", request.request_no, failure)
            return AskedRequest(request, failure=failure)

    def _ask_one(self, fleet: Fleet, request: Request) -> AskedRequest:
        """Sends one request. For an unusable adapter the set's other version stands in, then base."""
        adapters = self.plan.adapters
        stand_ins = [*(name for name in adapters if name != request.adapter), None]
        while True:
            path = adapters[request.adapter] if request.adapter else None
            try:
                generate = partial(_generate, fleet, self.plan, request)
                return AskedRequest(request, generate_loaded(fleet, request.adapter, path, generate))
            except (AdapterUnusable, AdapterNotLoaded) as failure:
                if request.adapter is None:
                    raise
                stand_in = stand_ins.pop(0)
                log.warning(
                    "adapter %s cannot be used, %s stands in: %s", request.adapter, stand_in or BASE, failure
                )
            arm = TUNED if stand_in else BASE
            request = replace(request, arm=arm, adapter=stand_in, seed=self.make_seed())


def name_failure(failure: Exception) -> str:
    """The error code of a failure, for the row and the agent. It reveals no arm and no adapter."""
    for kind, code in (
        (PromptTooLong, "prompt_too_long"),
        (EngineTimeout, "engine_timeout"),
        (EngineResting, RESTS),
        (EngineUnreachable, AWAY),
        (EngineNotRunning, AWAY),
    ):
        if isinstance(failure, kind):
            return code
    return "engine_refused"


def nothing_generated(plan: Plan, error: str) -> GeneratedSet:
    """The result of a plan that was never sent to the engine."""
    return GeneratedSet([], list(plan.requests), plan.adapter, None, error)


def _generate(fleet: Fleet, plan: Plan, request: Request) -> Completions:
    return fleet.generate(
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


def _collect(future: Future[AskedRequest], request: Request) -> AskedRequest:
    if future.done():
        return future.result()
    future.cancel()
    return AskedRequest(request, is_late=True)


def _take_over(generated: list[GeneratedCandidate], resample: AskedRequest) -> None:
    """Replaces a reply whose text occurred twice. If the resample failed, equal texts will be merged."""
    for index, reply in zip(resample.request.replaces, resample.to_candidates(), strict=True):
        if reply.reason is None and reply.adapter == generated[index].adapter:
            generated[index] = reply


def _name_error(answers: Sequence[AskedRequest], replies: Sequence[GeneratedCandidate]) -> str:
    for answered in answers:
        if answered.failure is not None:
            return name_failure(answered.failure)
    if any(answered.is_late for answered in answers):
        return "engine_timeout"
    return name_common_fault(replies)
