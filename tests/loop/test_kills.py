"""Kill -9 of each process at its worst moment: nothing acknowledged is lost, serving is old or new."""

import contextlib
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest
from sqlmodel import select

from bench.instance import Service, new_event, open_customer_turn, read_suggestions
from feedback.store.runs import FINISHED
from feedback.store.tables import Adapter, Deployment, Judgement, Message
from serving.errors import ServingError
from tests.loop.looking import asking, read_arms, reading

pytestmark = [pytest.mark.real, pytest.mark.alone]
JUDGEMENTS = 24


def kill(processes: list[psutil.Process]) -> None:
    assert processes, "nothing to kill: the process is not running"
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def post_until_answered(client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    """The same event again and again, as the pages do, until the service answers something that is final."""
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = client.post(path, json=body)
            if answer.status_code < 500:
                return answer
        assert time.monotonic() < deadline, f"no answer to {path}"
        time.sleep(0.1)


def wait_until(look: Any, limit_s: float = 300) -> Any:
    deadline = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(httpx.TransportError, AssertionError):
            if found := look():
                return found
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


def test_judgements_survive_a_killed_web(service: Service) -> None:
    with service.client() as client, ThreadPoolExecutor(4) as pool:

        def prepare(number: int) -> dict[str, Any]:
            text = f"Hello, where is my order QD-{number:03d}?"
            return read_suggestions(client, open_customer_turn(client, text, language="en")["turn_id"])

        sets = list(pool.map(prepare, range(100, 100 + JUDGEMENTS)))
        rng, acknowledged, over = random.Random(7), [], threading.Event()

        def judge(shown: dict[str, Any]) -> None:
            ready = [each for each in shown["candidates"] if each["state"] == "ready"]
            body = {
                "event_id": new_event(),
                "kind": "pick",
                "candidate_id": rng.choice(ready)["candidate_id"],
                "agent": "killed",
            }
            answer = post_until_answered(client, f"/v1/sets/{shown['set_id']}/judgements", body)
            assert answer.status_code == 201, answer.text
            acknowledged.append(answer.json() | {"set_id": shown["set_id"]})

        def keep_killing() -> None:
            for quota in (4, 10, 16):
                while len(acknowledged) < quota and not over.is_set():
                    time.sleep(0.005)
                kill(service.find_processes("commands.up.web"))
                wait_until(lambda: service.find_processes("commands.up.web"))

        killer = threading.Thread(target=keep_killing)
        killer.start()
        list(pool.map(judge, sets))
        over.set()
        killer.join()

    with reading(service) as session:
        rows = {row.id: row for row in session.exec(select(Judgement)).all()}
        messages = set(session.exec(select(Message.id)).all())
        judged = Counter(row.set_id for row in rows.values())
    assert len(acknowledged) == JUDGEMENTS
    assert all(rows[each["judgement_id"]].set_id == each["set_id"] for each in acknowledged)
    assert all(each["message_id"] in messages for each in acknowledged)
    assert all(judged[shown["set_id"]] == 1 for shown in sets)


def test_an_adapter_serves_again_after_a_killed_engine(service: Service) -> None:
    with reading(service) as session:
        adapter = session.exec(select(Adapter.name).where(Adapter.state == "rolled_back")).first()
    assert adapter is not None, "the circle leaves a rolled back adapter behind"
    service.wait_ready()
    with service.client() as client:
        promoted = client.post(
            f"/v1/adapters/{adapter}/promote", json={"event_id": new_event(), "reason": "it passed"}
        )
        assert promoted.status_code == 200, promoted.text

        caught = open_customer_turn(client, "你好，我要退款，订单AF-207。", language="zh")
        kill(service.find_processes("vllm"))
        shown = wait_until(
            lambda: (found := read_suggestions(client, caught["turn_id"]))["state"] != "preparing" and found
        )
        if shown["state"] == "failed":  # the agent can always write by hand
            body = {"event_id": new_event(), "kind": "own", "text": "您好，退款已经提交。", "agent": "hand"}
            by_hand = client.post(f"/v1/sets/{shown['set_id']}/judgements", json=body)
            assert by_hand.status_code == 201, by_hand.text

        wait_until(lambda: adapter in list_models(service))
        after = open_customer_turn(client, "Hello, where is my order QD-777?", language="en")
        again = wait_until(
            lambda: (found := read_suggestions(client, after["turn_id"]))["state"] == "ready" and found
        )
    design, arms = read_arms(service, again["set_id"])
    assert design == "2+2" and arms["tuned"] + arms["both"] >= 1


def test_a_run_whose_worker_is_killed_ends_and_serving_stays(service: Service) -> None:
    before = read_deployments(service)
    with service.client() as client:
        run_id = client.post("/v1/runs", json={"event_id": new_event()}).json()["run_id"]
        # From its training on: a look may come late on a busy machine, and find the next step.
        wait_until(lambda: client.get(f"/v1/runs/{run_id}").json()["step"] not in (None, "collect"))
        kill(service.find_processes("-m trainer"))
        assert read_deployments(service) == before
        run = wait_until(
            lambda: (found := client.get(f"/v1/runs/{run_id}").json())["state"] in FINISHED and found, 600
        )
    assert run["state"] == "done", run
    assert run["decision"] in ("passed", "refused")
    after = read_deployments(service)
    assert after[: len(before)] == before
    assert {name for name, _ in after[len(before) :]} <= {run["adapter"]}


def test_a_promotion_killed_half_way_leaves_the_old_or_the_new(service: Service) -> None:
    with reading(service) as session:
        states = dict(session.exec(select(Adapter.name, Adapter.state)).all())
    adapter = next(name for name, state in sorted(states.items()) if state != "refused")
    with service.client() as client:
        for pause in (0.0, 0.05, 0.3):
            back = post_until_answered(
                client, "/v1/rollback", {"event_id": new_event(), "reason": "too curt"}
            )
            assert back.status_code in (200, 409), back.text
            old = read_serving(service)
            path = f"/v1/adapters/{adapter}/promote"
            promotion = threading.Thread(
                target=post_quietly, args=(service, path, {"event_id": new_event(), "reason": "it passed"})
            )
            promotion.start()
            time.sleep(pause)
            kill(service.find_processes("commands.up.web"))
            promotion.join()
            wait_until(lambda: client.get("/readyz").status_code == 200)
            assert read_serving(service) in (old, adapter)
            assert_sets_follow(service, client)


def read_serving(service: Service) -> str | None:
    """What the manifest says once it agrees with the newest row."""
    wait_until(lambda: read_manifest(service)["fence"] == read_deployments(service)[-1][1])
    manifest = read_manifest(service)
    found: str | None = manifest["canary"] or manifest["live"]
    return found


def assert_sets_follow(service: Service, client: httpx.Client) -> None:
    """A new set has two tuned replies exactly when an adapter serves."""
    turn = open_customer_turn(client, "Hello, where is my order QD-888?", language="en")
    shown = wait_until(
        lambda: (found := read_suggestions(client, turn["turn_id"]))["state"] == "ready" and found
    )
    design, _ = read_arms(service, shown["set_id"])
    assert design == ("2+2" if read_serving(service) else "4+0")


def list_models(service: Service) -> list[str]:
    with contextlib.suppress(ServingError), asking(service) as fleet:
        return fleet.list_models()
    return []


def post_quietly(service: Service, path: str, body: dict[str, Any]) -> None:
    with service.client() as client, contextlib.suppress(httpx.TransportError):
        client.post(path, json=body)


def read_manifest(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((service.data_dir / "manifest.json").read_text())
    return found


def read_deployments(service: Service) -> list[tuple[str | None, int]]:
    with reading(service) as session:
        rows = session.exec(select(Deployment).order_by(Deployment.fencing_token)).all()  # type: ignore[arg-type]
    return [(row.adapter, row.fencing_token) for row in rows]
