"""Simulates nights with agents against a running service, through HTTP only.

In night n simulated agents answer `sets` new conversations, customers give thumbs, then the run trains on all
picks so far. The night's adapter is scored on the sets of the next night (or of a last measuring round).
Nothing here reads the store or sees an arm; the support rate is the one that the service reports. Run by
`rejoinder simulate`.
"""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from demo.agents import AgentDecision, SimulatedAgent, SimulatedCustomer
from demo.cast import DEMO_CAST, Cast
from demo.grammar import Message

AGENTS = 6
WAIT_S = 60
SET_WAIT_S = 660  # the service settles every set before, by its `set_deadline_s`
RUN_POLL_S = 1.0
COUNTED_WAIT_S = 120
BUSY_TRIES = 30
ROLES = {"user": "customer", "assistant": "agent"}


class SimulationFailed(Exception):
    """An answer of the service after which the simulation cannot continue."""

    def __init__(self, did: str, response: httpx.Response) -> None:
        super().__init__(f"{did}: the service answered {response.status_code} {response.text[:300]}")


@dataclass(frozen=True)
class NightProgress:
    """The progress of the simulation: `done` of `total` sets, or the share of a run."""

    night: int
    step: str
    done: float
    total: float


Listener = Callable[[NightProgress], None]
OnNight = Callable[["Night"], None]


@dataclass(frozen=True)
class Serving:
    """The adapters that serve beside the base; None if a role has no adapter."""

    live: str | None
    canary: str | None


@dataclass
class Night:
    """One night: what the agents did, how the run ended, what served then, and the score of the run's adapter
    on the next night's sets.
    """

    number: int
    judgements: dict[str, int]
    unanswered: int
    run: dict[str, Any]
    serving: Serving
    seconds: float
    support: dict[str, Any] | None = None

    @property
    def adapter(self) -> str | None:
        return self.run.get("adapter")


@dataclass(frozen=True)
class Answered:
    """A set that was judged; `message_id` is the reply that the customer will see."""

    kind: str
    conversation_id: str
    message_id: str | None
    text: str
    messages: list[Message]


def run_simulation(
    *,
    url: str,
    token: str,
    nights: int,
    sets: int,
    seed: int,
    workers: int,
    on_progress: Listener,
    on_night: OnNight = lambda night: None,
    cast: Cast = DEMO_CAST,
) -> list[Night]:
    """Simulates `nights` nights of `sets` sets each and one measuring round after the last.

    `cast` says who writes and who judges. `token` needs role admin (it requests runs and reads adapters).
    `on_night` is called for each night when its run has ended, before its adapter is measured. Raises
    SimulationFailed if the service refuses something.
    """
    played: list[Night] = []
    with httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_S + 30
    ) as client:
        for number in range(1, nights + 2):
            started = time.monotonic()
            answered = _work_sets(client, cast, number, sets, seed, workers, on_progress)
            if played and (last := played[-1]).run["decision"] == "passed":
                judged = sum(each is not None for each in answered)
                last.support = _read_support(client, last.adapter, judged)
            if number > nights:
                break
            run = _run_night(client, number, on_progress)
            kinds = Counter(each.kind for each in answered if each)
            unanswered = sum(each is None for each in answered)
            serving, seconds = _read_serving(client), time.monotonic() - started
            played.append(Night(number, dict(kinds), unanswered, run, serving, seconds))
            on_night(played[-1])
    return played


def _work_sets(
    client: httpx.Client, cast: Cast, night: int, sets: int, seed: int, workers: int, on_progress: Listener
) -> list[Answered | None]:
    dialogues = cast.draw_dialogues(sets, seed * 1000 + night)
    agents = [cast.make_agent(f"agent-{i + 1}", seed * 100 + i) for i in range(AGENTS)]
    customer = SimulatedCustomer("customers", seed * 1000 + night)
    jobs = [
        (list(dialogue.messages[:-1]), dialogue.language, agents[i % AGENTS])
        for i, dialogue in enumerate(dialogues)
    ]
    answered: list[Answered | None] = []
    with ThreadPoolExecutor(workers) as pool:
        for one in pool.map(lambda job: _answer_one(client, *job), jobs):
            answered.append(one)
            on_progress(NightProgress(night, "sets", len(answered), sets))
    if cast.thumbs:
        _give_thumbs(client, customer, [each for each in answered if each and each.message_id])
    return answered


def _answer_one(
    client: httpx.Client, messages: list[Message], language: str, agent: SimulatedAgent
) -> Answered | None:
    """Plays one conversation up to the agent's decision; None if no suggestion was usable."""
    opened = _post(
        client,
        "/v1/conversations",
        messages=[{"role": ROLES[m["role"]], "text": m["content"]} for m in messages if m["role"] in ROLES],
        language=language,
        tags=["simulated"],
    )
    turn_id, conversation_id = opened["turn_id"], opened["conversation_id"]
    _post(client, f"/v1/turns/{turn_id}/claim", agent=agent.name)
    deadline = time.monotonic() + SET_WAIT_S
    while True:
        shown = _get(client, f"/v1/turns/{turn_id}/suggestions", "reading suggestions", wait=30)
        if shown["state"] != "preparing" or time.monotonic() > deadline:
            break
    usable = [each for each in shown["candidates"] if each["state"] == "ready"]
    if not usable:
        return None
    decision = agent.judge(messages, [each["text"] for each in usable])
    judged = _post(
        client, f"/v1/sets/{shown['set_id']}/judgements", agent=agent.name, **_say(decision, usable)
    )
    sent = decision.text or (usable[decision.index]["text"] if decision.index is not None else "")
    return Answered(decision.kind, conversation_id, judged.get("message_id"), sent, messages)


def _say(decision: AgentDecision, usable: list[dict[str, Any]]) -> dict[str, Any]:
    """The decision as the body of an API call."""
    body: dict[str, Any] = {"kind": decision.kind}
    if decision.index is not None:
        body["candidate_id"] = usable[decision.index]["candidate_id"]
    if decision.kind == "tie":
        body["candidate_ids"] = [usable[i]["candidate_id"] for i in decision.indices]
    if decision.kind in ("edit", "own"):
        body["text"] = decision.text
    return body


def _give_thumbs(client: httpx.Client, customer: SimulatedCustomer, answered: list[Answered]) -> None:
    """Gives thumbs on released replies; waits for replies that are still in their undo window."""
    for each in answered:
        value = customer.thumb(each.messages, each.text)
        if value is None:
            continue
        _wait_released(client, each)
        _post(client, f"/v1/messages/{each.message_id}/thumbs", value=value)


def _wait_released(client: httpx.Client, answered: Answered) -> None:
    path = f"/v1/conversations/{answered.conversation_id}/messages"
    for _ in range(WAIT_S):
        messages = client.get(path).json()["messages"]
        if any(m["message_id"] == answered.message_id and m["released"] for m in messages):
            return
        time.sleep(RUN_POLL_S)


def _run_night(client: httpx.Client, night: int, on_progress: Listener) -> dict[str, Any]:
    run_id = _post(client, "/v1/runs")["run_id"]
    while True:
        run = _get(client, f"/v1/runs/{run_id}", "reading the run")
        on_progress(NightProgress(night, run.get("step") or run["state"], run.get("progress") or 0.0, 1.0))
        if run["state"] in ("done", "failed", "cancelled", "skipped"):
            return run
        time.sleep(RUN_POLL_S)


def _read_support(client: httpx.Client, adapter: str | None, judged: int) -> dict[str, Any] | None:
    """The adapter's support rate once all `judged` sets are counted; the trainer counts once a minute. An
    adapter shown in only a share of the conversations never gets that many sets: its rate after two minutes
    is used.
    """
    deadline = time.monotonic() + COUNTED_WAIT_S
    while True:
        shown = (each for each in _read_adapters(client)["adapters"] if each["name"] == adapter)
        support: dict[str, Any] | None = next((each["support"] for each in shown), None)
        if support is None or support["judgements"] >= judged or time.monotonic() > deadline:
            return support
        time.sleep(RUN_POLL_S)


def _read_serving(client: httpx.Client) -> Serving:
    found = _read_adapters(client)
    return Serving(live=found["live"], canary=found["canary"])


def _read_adapters(client: httpx.Client) -> dict[str, Any]:
    return _get(client, "/v1/adapters", "reading adapters")


def _get(client: httpx.Client, path: str, did: str, **params: Any) -> dict[str, Any]:
    response = client.get(path, params=params)
    if response.status_code != 200:
        raise SimulationFailed(did, response)
    return dict(response.json())


def _post(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """Posts one event; if the store is busy, repeats it with one event id, as every client should."""
    event = {"event_id": str(uuid4()), **body}
    for _ in range(BUSY_TRIES):
        response = client.post(path, json=event)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(float(response.headers.get("Retry-After", "1")))
    if response.status_code not in (200, 201, 202):
        raise SimulationFailed(f"POST {path}", response)
    return dict(response.json())
