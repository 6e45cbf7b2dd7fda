"""Whether the engine has to leave its card to a run, and how long a run waits for it."""

from types import SimpleNamespace

import psutil
import pytest

from feedback.store import rests, runs
from feedback.store.engine import read
from serving.client.endpoint import Endpoint, write_endpoints, write_rest
from serving.processes.group import ProcessGroup, read_start, write_note
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.trainer.nights import LAX, ask_and_claim
from trainer.context import NightContext
from trainer.errors import CardTaken
from trainer.jobs.card import await_room, holds_card, must_rest, tell_time
from trainer.settings import TrainerSettings

GIB = 2**30


def make_ctx(folder, **serving):
    given = {"backend": "cpu", **serving}
    settings = TrainerSettings(engine_wait_s=0)
    return SimpleNamespace(serving=ServingSettings(**given), data_dir=folder, settings=settings, base=folder)


@pytest.mark.parametrize(
    ("serving", "fits", "rests"),
    [
        ({"during_training": "stop"}, None, True),
        ({"during_training": "sleep"}, None, True),
        ({"during_training": "stay"}, None, False),
        ({}, None, False),  # on a CPU nothing is shared that a run could run out of
        ({"backend": "cuda"}, True, False),
        ({"backend": "cuda"}, False, True),
        ({"backend": "cuda", "during_training": "stay"}, None, False),
        ({"backend": "cuda", "replicas": ("http://10.0.0.1:8101",)}, None, False),
    ],
    ids=["stop", "sleep", "stay", "cpu", "fits", "does_not_fit", "stays_however", "elsewhere"],
)
def test_an_engine_leaves_its_card_where_it_is_told_to_or_both_do_not_fit(
    tmp_path, monkeypatch, serving, fits, rests
):
    asked = []
    monkeypatch.setattr("trainer.estimate.card.fits_beside", lambda *given: asked.append(given) or fits)
    assert must_rest(make_ctx(tmp_path, **serving), None, tmp_path) == rests
    assert len(asked) == (fits is not None)


def test_a_card_is_held_until_the_engine_has_gone_or_sleeps(tmp_path):
    ctx = make_ctx(tmp_path)
    assert not holds_card(ctx)  # nobody keeps an engine here
    write_endpoints(tmp_path, [Endpoint("http://127.0.0.1:9", "key")])
    assert not holds_card(ctx)  # left by one that was killed
    child = psutil.Popen(["sleep", "600"], start_new_session=True)
    try:
        (tmp_path / "logs").mkdir()
        group = ProcessGroup(child.pid, read_start(child.pid) or 0)
        write_note(tmp_path / "logs" / "engine.log", group)
        assert holds_card(ctx)
        write_rest(tmp_path, None, is_gone=False)
        assert holds_card(ctx)
        with pytest.raises(CardTaken, match="during_training = stay"):
            await_room(ctx)
        write_rest(tmp_path, None, is_gone=True)  # asleep: its process lives
        assert not holds_card(ctx)
        await_room(ctx)
    finally:
        child.kill()
        child.wait()


def test_a_rest_is_told_to_last_as_long_as_the_training_and_what_followed_the_last_one(
    sqlite_engine, tmp_path
):
    clock = FrozenClock(START)
    ctx = NightContext(
        store_engine=sqlite_engine,
        data_dir=tmp_path,
        settings=TrainerSettings(),
        serving=ServingSettings(),
        fleet_factory=lambda: pytest.fail("no engine is asked"),
        clock=clock,
        desk_id="default",
        policy=LAX,
    )
    last = ask_and_claim(ctx)
    ctx.advance(last, step="evaluate")
    clock.advance(40)
    ctx.advance(last, step="publish")
    ctx.write_run(runs.finish_run, last, state="done")
    token = ask_and_claim(ctx)
    tell_time(ctx, token, 25)  # the engine stays: nobody has to know
    ctx.write_run(rests.mark_rest, token, seconds=rests.UNKNOWN)
    tell_time(ctx, token, 25)
    with read(sqlite_engine) as session:
        told = runs.list_metrics(session, run_id=token.run_id, name=runs.RESTS)
    assert [mark.value for mark in told] == [rests.UNKNOWN, 25 + 40]


@pytest.mark.parametrize(("free", "fits"), [(0, False), (-1, False), (1, True)])
def test_a_run_fits_where_a_quarter_more_than_is_foreseen_is_free(tmp_path, monkeypatch, free, fits):
    import torch

    from trainer.estimate import card

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(card, "foresee_memory", lambda *_: 8 * GIB)
    room = 11 * GIB + free if free else 5 * GIB  # 8 and a quarter of it, and one for CUDA itself
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (room, 24 * GIB))
    assert card.fits_beside(tmp_path, tmp_path, None) == fits
