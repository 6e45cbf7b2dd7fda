"""What a judge receives tells nothing about sides: from the generated texts to the bytes of answers and
pages.
"""

import re
import time

from feedback.duels.drawing import DuelDrawer
from feedback.store.engine import read
from feedback.store.tables import Duel
from feedback.suggestions.plan import BaseFacts
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.feedback.builders import BASE_ID
from tests.feedback.desk import make_desk
from tests.feedback.duels.duel_desk import (
    ADAPTER,
    RIVAL,
    STARTED,
    add_contender,
    add_prompt,
    list_items,
    start,
)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Random in every answer: the session's cookie with its end, and the token that goes with it.
CHANCE = re.compile(r'(rejoinder_(?:session|nobody)=).*|(name="csrf[-_]token" (?:content|value)=")[^"]+')
# The order in which one person sees the sides: drawn from the random id of their account.
ORDER = re.compile(r'"order":\s*\[[^\]]+\]')


def receive(store, data_dir, *, adapter: str, rival: str) -> tuple[list[str], list[str | None]]:
    """Everything a judge is sent, ids numbered as they appear, and the contender on each side A."""
    with FakeEngine() as engine:
        engine.neutral |= {ADAPTER, RIVAL}  # texts hang on prompt and seed alone: they stay where sides move
        for name in (ADAPTER, RIVAL):
            add_contender(store, data_dir, name, dataset_id=None)
        for n in range(6):
            # The ids are those of the other store: they decide which prompt is which round.
            add_prompt(store, f"Question {n}?", id=f"set-{n}")
        duel_id = start(store, data_dir, wanted=6, adapter=adapter, rival=rival, name="A duel").id
        draw(store, data_dir, engine, duel_id)
        desk = make_desk(store, data_dir)
        desk.clock.advance((STARTED - desk.clock.now()).total_seconds() + 60)
        rows = list_items(store, duel_id)
        said = []
        for row, side in zip(rows, ("a", "tie", "b", "both_bad", "a", "tie"), strict=True):
            answers = [
                desk.post(f"/v1/tasks/{row.task_id}/next", "expert"),
                desk.get(f"/v1/items/{row.id}", "expert"),
                desk.post(f"/v1/items/{row.id}/labels", "expert", value={"side": side}),
            ]
            assert [answer.status_code for answer in answers] == [200, 200, 201]
            said += [f"{answer.headers}\n{answer.text}" for answer in answers]
        for path in (f"/console/duels/{duel_id}", f"/label/{row.task_id}", f"/v1/tasks/{row.task_id}"):
            answer = desk.get(path, "expert")
            assert answer.status_code == 200
            said.append(f"{answer.headers}\n{answer.text}")
    assert [row.state for row in rows] == ["open"] * 6
    return [number_ids(text) for text in said], [row.hidden["a_adapter"] for row in rows]


def draw(store, data_dir, engine, duel_id) -> None:
    serving = ServingSettings(backend="cpu", data_dir=data_dir, request_timeout_s=30)
    fleet = Fleet.from_endpoints([engine.endpoint], serving)
    drawer = DuelDrawer(
        store_engine=store,
        fleet_factory=lambda: fleet,
        serving=serving,
        clock=FrozenClock(STARTED),
        describe_base=lambda: BaseFacts(BASE_ID, "t" * 64),
    )
    drawer.enqueue(duel_id)
    end = time.monotonic() + 60
    while True:
        with read(store) as session:
            if session.get_one(Duel, duel_id).state == "open":
                break
        assert time.monotonic() < end
        time.sleep(0.02)
    drawer.close()
    fleet.close()


def number_ids(text: str) -> str:
    seen: dict[str, str] = {}
    return UUID.sub(
        lambda found: seen.setdefault(found[0], f"id-{len(seen)}"), CHANCE.sub(r"\1\2", ORDER.sub("", text))
    )


def test_exchanging_the_contenders_changes_no_byte_but_random_ids(stores):
    one, one_sides = receive(*stores[0], adapter=ADAPTER, rival=RIVAL)
    other, other_sides = receive(*stores[1], adapter=RIVAL, rival=ADAPTER)
    exchanged = {ADAPTER: RIVAL, RIVAL: ADAPTER}
    assert set(one_sides) == {ADAPTER, RIVAL}
    assert other_sides == [exchanged[name] for name in one_sides]
    assert len(one) == 21
    assert one == other
    assert not [text for text in one if ADAPTER in text or RIVAL in text]
