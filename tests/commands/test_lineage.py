"""`rejoinder lineage` on a migrated store: what it prints for people and machines, and its exit codes."""

import json
from pathlib import Path

import pytest

from feedback.store.engine import open_engine
from tests.commands.conftest import Call
from tests.feedback.chain import ADAPTER, DATASET, Chain
from tests.feedback.desk import make_desk


@pytest.fixture
def chain(store: Path):
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    yield Chain(make_desk(engine, store), store)
    engine.dispose()


def test_both_directions_are_drawn_for_people(call: Call, chain: Chain) -> None:
    result = call("lineage", chain.judgement)

    back, forward = result.output.split("What came of it")
    assert result.exit_code == 0
    assert result.output.startswith(f"judgement {chain.judgement}")
    assert f"↑ set {chain.set}" in back and f"↑ message {chain.message}" in back
    for step in (f"dataset {DATASET[:12]}", f"run {chain.run}", f"adapter {ADAPTER}", "serving interval 2"):
        assert f"↓ {step}" in forward and step not in back
    assert "why rude to customers" in forward


def test_machines_read_every_step_with_its_neighbours(call: Call, chain: Chain) -> None:
    found = json.loads(call("lineage", ADAPTER, "--back", "--json").output)

    assert found["start"] == {"kind": "adapter", "id": ADAPTER} and found["cut"] is False
    assert [step["kind"] for step in found["steps"]] == ["adapter", "run", "dataset"]
    assert {"kind": "choice", "id": "star/star-1-e11"} in found["steps"][2]["before"]
    assert found["steps"][2]["facts"]["records"] == {"choice": 2, "thumb": 1}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nobody-knows-me",), 2, "Nothing here is called 'nobody-knows-me'"),
        (("run:nobody",), 2, "There is no run 'nobody' here"),
        (("tuned-2",), 2, "at least 8 characters"),
        ((), 2, "Missing argument"),
        (("choice:star/star-1-e11", "--back"), 3, "it begins here"),
        (("4", "--forward"), 3, "Nothing came of it yet"),
        ((ADAPTER, "--forward"), 0, "What came of it"),
    ],
)
def test_exit_codes_tell_what_was_found(
    call: Call, chain: Chain, words: tuple[str, ...], code: int, said: str
) -> None:
    result = call("lineage", *words)

    assert result.exit_code == code
    assert said in result.output
