"""What an agent receives tells nothing about arms: the whole way from the customer's message to the bytes."""

import random
import re

import pytest

from feedback.store.tables import Candidate
from feedback.web.services import EXTENSION
from serving.client.fake import FakeEngine
from tests.feedback.desk import make_desk
from tests.feedback.set_desk import ADAPTER, NEW, OLD, build

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FORBIDDEN = ("tuned", "base", "adapter", "arm", "zero", "seed", "design", "4+0", "2+2", "2+1+1")


class Chance:
    """The same random numbers in every set, but for the bit that says which arm is asked first."""

    def __init__(self, tuned_first: int) -> None:
        self._random = random.Random(20261122)
        self._tuned_first: int | None = tuned_first

    def __call__(self, limit: int) -> int:
        drawn = self._random.randrange(limit)
        if limit == 2 and self._tuned_first is not None:
            drawn, self._tuned_first = self._tuned_first, None
        return drawn


def receive(store, tmp_path, *, tuned_first: int = 0, versions=()) -> tuple[str, str, list[str]]:
    """Body and headers of the agent's answer with ids numbered as they appear, and by slot the arms, or with
    `versions` (canary, live) the adapters.
    """
    with FakeEngine() as engine:
        # Texts hang on prompt and seed alone: they stay where the arms move.
        engine.neutral |= {ADAPTER, *versions}
        prepared = build(store, engine, tmp_path, compare_share=1.0)
        prepared.suggester._randbelow = Chance(tuned_first)
        prepared.suggester._make_seed = lambda: prepared.suggester._randbelow(2**62)
        desk = make_desk(store, tmp_path, suggester=prepared.suggester)
        if not (tmp_path / "adapters").exists():
            for name, role in zip(versions or (ADAPTER,), ("canary", "live"), strict=False):
                prepared.deploy(name, role=role)
        opened = desk.open()
        assert prepared.wait(opened["turn_id"])
        answer = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent")
        assert answer.json["state"] == "ready"
        rows = desk.rows(Candidate, set_id=answer.json["set_id"])
        sources = {row.slot: (row.adapter or "base") if versions else row.arm for row in rows}
        assert desk.app.extensions[EXTENSION].suggester is prepared.suggester
        prepared.close()
    return number(answer.text), number(str(answer.headers)), [sources[slot] for slot in sorted(sources)]


def number(text: str) -> str:
    seen: dict[str, str] = {}
    return UUID.sub(lambda found: seen.setdefault(found[0], f"id-{len(seen)}"), text)


@pytest.fixture
def stores(prepared_sqlite, tmp_path):
    """Two stores alike, one for each way round."""
    import shutil

    from feedback.store.engine import open_engine

    engines = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        shutil.copy(prepared_sqlite, tmp_path / name / "rejoinder.db")
        engines.append((open_engine(f"sqlite:///{tmp_path / name / 'rejoinder.db'}"), tmp_path / name))
    yield engines
    for engine, _ in engines:
        engine.dispose()


def test_exchanging_the_arms_changes_no_byte_but_random_ids(stores):
    (one_body, one_headers, one_arms), (other_body, other_headers, other_arms) = (
        receive(store, path, tuned_first=way) for way, (store, path) in enumerate(stores)
    )
    exchanged = {"base": "tuned", "tuned": "base"}
    assert sorted(one_arms) == ["base", "base", "tuned", "tuned"]
    assert other_arms == [exchanged[arm] for arm in one_arms]
    assert one_body == other_body
    assert one_headers == other_headers


def test_exchanging_two_versions_in_one_set_changes_no_byte_but_random_ids(stores):
    (one_body, one_headers, one_names), (other_body, other_headers, other_names) = (
        receive(store, path, versions=names)
        for names, (store, path) in zip(((NEW, OLD), (OLD, NEW)), stores, strict=True)
    )
    exchanged = {"base": "base", NEW: OLD, OLD: NEW}
    assert sorted(one_names) == ["base", "base", OLD, NEW]
    assert other_names == [exchanged[name] for name in one_names]
    assert one_body == other_body
    assert one_headers == other_headers


@pytest.mark.parametrize("versions", [(), (NEW, OLD)])
def test_the_answer_names_nothing_of_models(stores, versions):
    body, headers, _ = receive(*stores[0], versions=versions)
    said = body + headers.replace("base-uri", "").lower()
    assert not [word for word in FORBIDDEN if re.search(rf"\b{re.escape(word)}\b", said)]
