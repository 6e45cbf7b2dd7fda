"""`rejoinder duel`: started, listed and shown from the command line; judged elsewhere."""

import json
from pathlib import Path

import pytest

from feedback.store.duels import get_duel
from feedback.store.engine import open_engine, read
from tests.commands.conftest import Call
from tests.feedback.builders import DESK
from tests.feedback.duels.duel_desk import (
    ADAPTER,
    RIVAL,
    STARTED,
    add_contender,
    add_prompt,
    close,
    judge,
    put_duel,
)


@pytest.fixture
def engine(store: Path):
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    yield engine
    engine.dispose()


def test_a_duel_is_started_for_the_web_to_draw(call: Call, engine, data_dir: Path) -> None:
    empty = call("duel", "list")
    assert (empty.exit_code, "rejoinder duel start" in empty.output) == (3, True)
    add_contender(engine, data_dir)
    add_contender(engine, data_dir, RIVAL, dataset_id=None)
    for n in range(3):
        add_prompt(engine, f"Question {n}?", arrived=STARTED)
    started = call("duel", "start", ADAPTER, "--against", RIVAL, "--prompts", "3", "--name", "Both")
    assert started.exit_code == 0
    duel_id = started.output.splitlines()[-1]
    with read(engine) as session:
        duel = get_duel(session, desk_id=DESK, duel_id=duel_id)
    assert (duel.state, duel.adapter, duel.rival, duel.wanted, duel.name) == (
        "drawing",
        ADAPTER,
        RIVAL,
        3,
        "Both",
    )
    shown = json.loads(call("duel", "show", duel_id, "--json").output)
    assert (shown["rounds"]["waiting"], shown["result"]) == (3, None)


def test_what_cannot_be_compared_is_said(call: Call, engine, data_dir: Path) -> None:
    add_contender(engine, data_dir)
    few = call("duel", "start", ADAPTER, "--prompts", "2")
    assert few.exit_code == 1 and "2 prompts were asked for and 0 are unseen" in few.output
    unknown = call("duel", "start", "tuned-19990101-1")
    assert unknown.exit_code == 1 and "tuned-19990101-1" in unknown.output
    missing = call("duel", "show", "nothing")
    assert missing.exit_code == 1 and "There is no duel 'nothing' here" in missing.output


def test_the_rate_is_shown_once_the_duel_is_closed(call: Call, engine, data_dir: Path) -> None:
    duel_id, _ = put_duel(engine, data_dir, states="rrrr", adapter_on="aaaa")
    for number, verdict in enumerate("aaab", start=1):
        judge(engine, duel_id, number, verdict)
    assert json.loads(call("duel", "show", duel_id, "--json").output)["result"] is None
    close(engine, duel_id)
    result = json.loads(call("duel", "show", duel_id, "--json").output)["result"]
    assert (result["rate"], result["won"], result["lost"], result["band"]) == (0.75, 3, 1, "not_known")
    told = call("duel", "show", duel_id).output
    assert "support rate: 75.0% (30.1% to 95.4%), not known yet" in told
    assert "3 won, 1 lost, 0 tied, 0 both_bad, 0 unjudged" in told
    assert "75.0%" in call("duel", "list").output
