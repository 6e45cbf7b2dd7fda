"""Deploying with crashes and kills between its steps, and with somebody else at the same moment."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from feedback.deployment import deploy
from feedback.errors import StaleFencingToken
from feedback.store import deployments
from tests.feedback.plant import ONE, TWO


def test_an_incoming_adapter_is_not_unloaded_before_its_row_is_written(plant, monkeypatch):
    plant.add(ONE)
    bring_up = deploy.bring_up

    def reconcile_in_between(*args, **kwargs):
        report = bring_up(*args, **kwargs)
        deploy.reconcile(plant.ctx)
        assert plant.loaded == {ONE}
        return report

    monkeypatch.setattr(deploy, "bring_up", reconcile_in_between)
    plant.publish(ONE)


class Crash(BaseException):
    """Stands for the end of the process."""


def crash(*args, **kwargs):
    raise Crash


@pytest.mark.parametrize(
    ("step", "serves"),
    [
        ("deploy.bring_up", ONE),
        ("decisions.adapters.move_adapter", ONE),  # inside the transaction
        ("deploy.reconcile", TWO),
        ("deploy.write_manifest", TWO),
        ("deploy._is_needed", TWO),  # before unloading
    ],
)
def test_a_crash_at_any_step_leaves_the_old_or_the_new_one_serving(plant, monkeypatch, step, serves):
    from feedback.store import decisions

    plant.add(ONE, TWO)
    plant.publish(ONE)
    module, _, name = step.partition(".")
    owner = {"deploy": deploy, "decisions": decisions}[module]
    with monkeypatch.context() as patch:
        patch.setattr(*reach(owner, name), crash)
        with pytest.raises(Crash):
            plant.publish(TWO)
    assert plant.state.canary == serves
    plant.restart_engine()
    plant.clock.advance(deploy.BRING_UP_GRACE.total_seconds())
    deploy.reconcile(plant.ctx)
    assert (plant.loaded, plant.manifest[2]) == ({serves}, serves)
    plant.publish(TWO)  # the rerun finishes
    assert (plant.state.canary, plant.loaded) == (TWO, {TWO})


def reach(owner, name):
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    return owner, last


KILLED = """
import os, sys
from pathlib import Path
from feedback.deployment import deploy
from feedback.clock import SystemClock
from feedback.deployment.policy import Policy
from feedback.store.engine import open_engine
from serving.client.endpoint import Endpoint
from serving.client.fleet import Fleet
from serving.settings import ServingSettings

url, data_dir, engine_url, key, step, name = sys.argv[1:]
settings = ServingSettings(backend="cpu", data_dir=Path(data_dir), base_model=data_dir + "/no-base")
fleet = Fleet.from_endpoints([Endpoint(engine_url, key)], settings)
real = getattr(deploy, step)
setattr(deploy, step, lambda *args, **kwargs: os.kill(os.getpid(), 9))
ctx = deploy.Deployer(open_engine(url), lambda: fleet, settings, Path(data_dir), SystemClock(), Policy())
deploy.publish_canary(ctx, name, role="canary", actor="t", reason="t")
"""


@pytest.mark.parametrize(
    ("step", "serves"), [("NewDecision", ONE), ("reconcile_later", TWO), ("write_manifest", TWO)]
)
def test_a_publisher_that_is_killed_leaves_the_old_or_the_new_one_serving(plant, step, serves):
    plant.add(ONE, TWO)
    plant.publish(ONE)
    endpoint = plant.engine.endpoint
    url = plant.ctx.store_engine.url.render_as_string(hide_password=False)
    argv = [url, str(plant.ctx.data_dir), endpoint.url, endpoint.api_key, step, TWO]
    root = Path(deploy.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *argv],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == -9
    assert plant.state.canary == serves
    plant.publish(TWO)
    assert (plant.state.canary, plant.manifest[2], plant.loaded) == (TWO, TWO, {TWO})


def test_of_two_publishers_at_one_fencing_token_one_wins(plant_on_both):
    plant = plant_on_both
    plant.add(ONE, TWO)

    def attempt(name):
        try:
            return plant.publish(name, expected_token=0)
        except StaleFencingToken:
            return "stale"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, (ONE, TWO)))
    assert sorted(map(str, results)) == ["1", "stale"]
    winner = (ONE, TWO)[results.index(1)]
    assert (plant.state.canary, plant.state.fencing_token) == (winner, 1)


def test_nobody_deploys_between_the_check_of_a_fencing_token_and_its_decision(plant_on_both, monkeypatch):
    plant = plant_on_both
    plant.add(ONE, TWO)
    real, late = deployments.check_fencing_token, []

    def check_then_dawdle(session, **kwargs):
        real(session, **kwargs)
        if not late:
            late.append(pool.submit(plant.publish, TWO, expected_token=0))
            assert not wait(late, timeout=0.3).done

    monkeypatch.setattr(deployments, "check_fencing_token", check_then_dawdle)
    with ThreadPoolExecutor(1) as pool:
        assert plant.publish(ONE, expected_token=0) == 1
        with pytest.raises(StaleFencingToken, match="the fencing token is 1 now"):
            late[0].result()
    assert (plant.state.canary, plant.state_of(TWO)) == (ONE, "passed")
