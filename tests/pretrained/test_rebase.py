"""A desk moves from the demo model to the packaged base and back, through the real engines: run, comparison
beside the running service, switch by a restart, way back.
"""

import json
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from bench.instance import Service, post_event, running_service
from feedback.store.tables import Duel, Item, Rebase, SuggestionSet
from serving.base import compute_base_id
from serving.settings import DEMO_BASE
from tests.beside import BESIDE_OTHERS
from tests.families.night import OPEN_POLICY, ask_set, write_choices
from tests.loop.conftest import write_quick_recipe
from tests.loop.looking import read_arms, reading
from tests.pretrained.conftest import NAME
from tests.pretrained.short import write_short
from trainer.recipes.recipe import load_recipe

pytestmark = [pytest.mark.real, pytest.mark.alone]
# Four prompts prove nothing: what is tested is that each step hands over to the next.
FEW = """
[exposure]
min_e_better = 0.5
min_picks = 1
min_agents = 1
confidence = 0.55
min_share_low = 0.0
"""


def read_rebase(service: Service) -> Rebase:
    with reading(service) as session:
        return session.exec(select(Rebase)).one()


def read_set_base(service: Service, set_id: str) -> str:
    with reading(service) as session:
        return session.exec(select(SuggestionSet.base_id).where(SuggestionSet.id == set_id)).one()


def judge_for_the_new(service: Service, duel_id: str, client: httpx.Client) -> None:
    with reading(service) as session:
        task_id = session.get_one(Duel, duel_id).task_id
        rows = session.exec(select(Item).where(Item.task_id == task_id)).all()
        sides = {row.id: "b" if row.hidden["a_arm"] == "old" else "a" for row in rows if row.state == "open"}
    assert sides, [(row.state, row.reason) for row in rows]
    for _ in sides:
        item_id = post_event(client, f"/v1/tasks/{task_id}/next")["item_id"]
        post_event(client, f"/v1/items/{item_id}/labels", value={"side": sides[item_id]})
    post_event(client, f"/v1/duels/{duel_id}/close")


def restart(service: Service) -> None:
    assert service.stop() == 0
    service.start()


def test_a_desk_moves_to_a_pretrained_base_and_back(cache: Path, tmp_path: Path) -> None:
    recipe = write_short(load_recipe(str(write_quick_recipe(tmp_path / "quick.yaml"))), tmp_path)
    choices = write_choices(tmp_path / "choices.jsonl", 30)  # four of them are held out for the gate
    policy, config = tmp_path / "open.toml", tmp_path / "rejoinder.toml"
    policy.write_text(OPEN_POLICY.replace("9.0", "99999.0") + FEW)  # whatever the nights come to
    config.write_text(
        f'[serving]\nbase_model = "{DEMO_BASE}"\nport = 0\nmax_lora_rank = 8\nkv_cache_gib = 0.25\n'
        f'[trainer]\nrecipe = "{recipe}"\n[feedback]\npolicy = "{policy}"\n'
    )
    with running_service(tmp_path / "var", REJOINDER_CONFIG=str(config), **BESIDE_OTHERS) as service:
        service.run("import", "--kind", "choices", str(choices))
        night = json.loads(service.run("train", "--now", "--json").stdout)
        assert night["decision"] == "passed", night
        told = service.run("rebase", "start", NAME, "--reason", "try", "--now", "--json")
        trained = json.loads(told.stdout)["run"]
        assert (trained["state"], trained["decision"]) == ("done", "passed"), told.stdout
        for number in range(901, 907):  # the nights know other numbers
            ask_set(service, number)
        drawn = json.loads(service.run("rebase", "compare", "--prompts", "4", "--json").stdout)["duels"]
        assert sorted((duel["arm"], duel["state"]) for duel in drawn) == [
            ("new_base", "open"),
            ("new_tuned", "open"),
        ]
        assert read_set_base(service, ask_set(service, 107)["set_id"]) == compute_base_id(DEMO_BASE)
        with service.client() as client:
            for duel in drawn:
                judge_for_the_new(service, duel["id"], client)

        service.run("rebase", "switch", "--reason", "all rounds")
        restart(service)
        assert (read_rebase(service).state, read_rebase(service).arm) == ("switched", "new_tuned")
        moved = ask_set(service, 108)
        assert read_set_base(service, moved["set_id"]) == compute_base_id(NAME)
        assert read_arms(service, moved["set_id"])[0] == "2+2"

        service.run("rebase", "back", "--reason", "a test")
        restart(service)
        assert read_rebase(service).state == "returned"
        returned = ask_set(service, 109)
        assert read_set_base(service, returned["set_id"]) == compute_base_id(DEMO_BASE)
        with reading(service) as session:
            served = select(SuggestionSet.adapter).where(SuggestionSet.id == returned["set_id"])
            assert session.exec(served).one() == night["adapter"]
