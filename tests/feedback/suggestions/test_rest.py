"""Sets while the engine rests: nobody waits for it, and what nobody opened is left for afterwards."""

from datetime import timedelta

import pytest

from feedback.suggestions.views import QueueView
from serving.errors import EngineResting
from tests.feedback.builders import DESK, NOW
from tests.serving.processes.test_processes import wait_until


class Looks:
    """Stands for the look at where the engine is: it serves `serves` times, then it rests until `is_over`."""

    def __init__(self, desk, serves: int) -> None:
        self.desk, self.serves, self.count, self.is_over = desk, serves, 0, False
        desk.suggester._fleet_factory = self

    def __call__(self):
        self.count += 1
        if self.count > self.serves and not self.is_over:
            raise EngineResting(NOW + timedelta(hours=2), is_gone=True)
        return self.desk.fleet


@pytest.mark.usefixtures("clock_alone")
def test_a_set_that_an_agent_opens_fails_at_once(desk):
    looks = Looks(desk, serves=0)
    row = desk.prepare(desk.ask())
    assert (row.state, row.error, row.design) == ("failed", "engine_rests", "4+0")
    assert (desk.asked(), looks.count) == ([], 2)  # one look for each request: none is repeated
    long = desk.prepare(desk.ask("word " * 300, "And now?", "So?"))  # whose tokens the engine would count
    assert (long.state, long.error) == ("failed", "engine_rests")


@pytest.mark.usefixtures("clock_alone")
def test_an_agent_who_waits_when_a_rest_begins_waits_no_longer(desk, fake_engine):
    fake_engine.mode = "cut"  # the connection breaks, as it does when the engine ends
    looks = Looks(desk, serves=2)
    assert desk.prepare(desk.ask()).error == "engine_rests"
    assert looks.count == 4


def test_a_turn_that_nobody_opened_gets_its_set_after_the_rest(desk):
    looks, turn_id = Looks(desk, serves=0), desk.ask()
    desk.suggester.show_view(QueueView(DESK), [turn_id])
    wait_until(lambda: looks.count > 0)
    assert desk.read_set(turn_id) is None
    looks.is_over = True
    assert desk.wait(turn_id) and desk.read_set(turn_id).state == "ready"
