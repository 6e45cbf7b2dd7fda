"""The circle turned once on a real pretrained base, by its name and with nothing set that decides what its
replies are like: twenty sets, the picks of a simulated agent, one run, the gate, and sets of both arms.
"""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bench.instance import (
    Service,
    open_customer_turn,
    post_event,
    read_suggestions,
    running_service,
)
from bench.real_base import set_system_prompt
from demo.dialogues import Dialogue
from demo.plain_prompts import SYSTEM_PROMPT, draw_english
from demo.plain_taste import PlainAgent
from feedback.records.split import split_of
from feedback.store.tables import Candidate
from tests.beside import BESIDE_OTHERS
from tests.loop.conftest import QUICK_POLICY
from tests.loop.looking import asking, generate_greedy, read_arms, reading
from tests.pretrained.conftest import NAME
from tests.pretrained.short import write_short
from tests.trainer.tiny import make_choice, write_lines
from trainer.recipes.recipe import load_recipe

pytestmark = [pytest.mark.real, pytest.mark.alone]
SETS, JUDGED = 20, 6
END = 2  # <|im_end|>


@pytest.fixture(scope="module")
def service(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("pretrained")
    settings = {
        "REJOINDER_SERVING__BASE_MODEL": NAME,
        "REJOINDER_SERVING__PORT": "0",
        "REJOINDER_TRAINER__RECIPE": str(write_short(load_recipe("smollm2"), home)),
        "REJOINDER_FEEDBACK__POLICY": str(home / "quick.toml"),
    }
    (home / "quick.toml").write_text(QUICK_POLICY.replace("min_choices = 3", "min_choices = 1"))
    with running_service(home / "var", **BESIDE_OTHERS, **settings) as running:
        set_system_prompt(running, SYSTEM_PROMPT)
        yield running


def ask_set(service: Service, dialogue: Dialogue) -> dict[str, Any]:
    with service.client(timeout_s=300) as client:
        question = dialogue.messages[-2]["content"]
        turn = open_customer_turn(client, question, language="en")
        while (found := read_suggestions(client, turn["turn_id"]))["state"] == "preparing":
            pass
    return {**found, "turn_id": turn["turn_id"], "question": question}


@pytest.fixture(scope="module")
def sets(service: Service) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda dialogue: ask_set(service, dialogue), draw_english(SETS, 1)))


def test_replies_of_twenty_turns_are_whole_and_have_their_end(service, sets):
    """All but a few: a base of this size runs on by chance (docs/bases.md), and on another processor the
    replies are others.
    """
    assert [found["state"] for found in sets] == ["ready"] * SETS
    with reading(service) as session:
        ids = [found["set_id"] for found in sets]
        drawn = session.exec(select(Candidate).where(Candidate.set_id.in_(ids))).all()
    assert len(drawn) == 4 * SETS
    whole = [each for each in drawn if each.finish_reason == "stop" and each.text.strip()]
    assert {each.id for each in drawn if each.state == "ready"} <= {each.id for each in whole}
    assert len(whole) >= 0.9 * len(drawn), Counter(each.finish_reason for each in drawn)
    assert [each.text for each in drawn if "<think" in each.text] == []
    assert {each.token_ids[-1] for each in whole} == {END}


def test_one_night_serves_both_arms(service, sets, tmp_path):
    judge_sets(service, sets[:JUDGED])  # a core reads every token of them five times tonight
    service.run("import", "--kind", "choices", str(write_choices(tmp_path / "choices.jsonl")))
    with asking(service) as fleet:
        before = generate_greedy(fleet, fleet.base_name, prompts=2)
    night = json.loads(service.run("train", "--now", "--json").stdout)
    assert (night["state"], night["decision"]) == ("done", "passed"), night

    found = ask_set(service, draw_english(1, 2)[0])
    design, arms = read_arms(service, found["set_id"])
    assert design == "2+2"
    assert (arms["base"] == 2 and arms["tuned"] == 2) or arms["both"] >= 1
    with asking(service) as fleet:
        assert night["adapter"] in fleet.list_models()
        assert generate_greedy(fleet, fleet.base_name, prompts=2) == before


def write_choices(path: Path) -> Path:
    """Choices of one taste, four of them held out: a few picks of a sampled model's replies may say nothing
    that can be learned, and may all be of conversations in train.
    """
    held_out = [number for number in range(100) if split_of(f"c{number}") != "train"][:4]
    train = [number for number in range(100) if split_of(f"c{number}") == "train"][:10]
    choices = [make_choice(number, "") for number in (*train, *held_out)]
    ours = ("split", "weight")
    write_lines(path, [{key: value for key, value in each.items() if key not in ours} for each in choices])
    return path


def judge_sets(service: Service, sets: list[dict[str, Any]]) -> None:
    agent = PlainAgent("agent-1", 1, noise=0.35)
    with service.client() as client:
        for found in sets:
            usable = [each for each in found["candidates"] if each["state"] == "ready"]
            decision = agent.judge(
                [{"role": "user", "content": found["question"]}], [each["text"] for each in usable]
            )
            verdict = {"kind": "none"}
            if decision.index is not None:
                verdict = {"kind": "pick", "candidate_id": usable[decision.index]["candidate_id"]}
            post_event(client, f"/v1/turns/{found['turn_id']}/claim", agent=agent.name)
            post_event(client, f"/v1/sets/{found['set_id']}/judgements", agent=agent.name, **verdict)
