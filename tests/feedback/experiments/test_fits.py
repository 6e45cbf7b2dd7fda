"""Fits are renewed where judgements changed, shown with their time, and hold nothing of whom was erased."""

from datetime import timedelta

from sqlmodel import select

from feedback.experiments import fits
from feedback.experiments.fits import renew_fits
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.experiments.support import support_of
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.fits import find_fit
from feedback.store.tables import Conversation, Erasure, Fit
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter
from tests.feedback.desk import make_desk
from tests.feedback.pick_rows import add_picks

ADAPTER, OTHER = "tuned-20261122-1", "tuned-20261121-1"
POLICY = RolloutPolicy()


def start(engine, tmp_path):
    desk = make_desk(engine, tmp_path)
    with unit_of_work(engine) as session:
        for name in (ADAPTER, OTHER):
            add_adapter(session, name)
    add_picks(engine, ADAPTER, tuned=6, base=4, at=START)
    return desk


def ask(desk):
    return desk.get(f"/v1/adapters/{ADAPTER}/support", "expert").json


def test_a_fit_is_renewed_when_judgements_change_and_not_before(store_engine, tmp_path):
    desk = start(store_engine, tmp_path)
    before = ask(desk)
    assert (before["share"], before["share_low"], before["agents"]) == (0.6, None, None)
    assert (before["fitted_at"], before["fitted_judgements"], before["breakdown"]) == (None, None, {})
    page = desk.get(f"/console/adapters/{ADAPTER}", "expert").text
    assert "are not computed yet" in page and "data-breakdown" not in page

    assert renew_fits(store_engine, policy=POLICY, clock=desk.clock) == [ADAPTER]
    assert renew_fits(store_engine, policy=POLICY, clock=desk.clock) == []
    fitted = ask(desk)
    assert (fitted["fitted_judgements"], fitted["agents"]) == (40, 4)
    assert fitted["fitted_at"].startswith("2026-11-22T09:00:00")
    assert 0 < fitted["share_low"] < 0.6 and set(fitted["breakdown"]["agents"]) == {"ann", "ben", "cy", "dee"}
    assert "of 40 judgements" in desk.get(f"/console/adapters/{ADAPTER}", "expert").text

    desk.clock.advance(60)
    add_picks(store_engine, ADAPTER, tuned=1, base=0, at=START + timedelta(hours=1))
    assert ask(desk) == fitted  # as of its time
    with read(store_engine) as session:
        assert support_of(session, ADAPTER).tally.won == 28  # what decides counts for itself
    assert renew_fits(store_engine, policy=POLICY, clock=desk.clock) == [ADAPTER]
    later = ask(desk)
    assert (later["fitted_judgements"], later["share"]) == (44, 28 / 44)
    surer = RolloutPolicy(confidence=0.999)
    assert renew_fits(store_engine, policy=surer, clock=desk.clock) == [ADAPTER]
    assert (ask(desk)["confidence"], ask(desk)["share_low"] < later["share_low"]) == (0.999, True)


def erase_one(engine, at):
    with unit_of_work(engine) as session:
        id = session.exec(select(Conversation.id).where(Conversation.erased_at.is_(None))).first()
        erase_rows(session, subject=ErasedSubject([id]), now=at)
        session.add(Erasure(desk_id=DESK, kind="conversation", actor="t", created_at=at))


def test_what_was_fitted_to_the_erased_is_gone_at_once(store_engine, tmp_path):
    desk = start(store_engine, tmp_path)
    renew_fits(store_engine, policy=POLICY, clock=desk.clock)
    erase_one(store_engine, desk.clock.now())
    with read(store_engine) as session:
        assert session.exec(select(Fit)).one().value == {}
        assert find_fit(session, desk_id=DESK, adapter=ADAPTER) is None
    assert ask(desk)["fitted_at"] is None
    assert renew_fits(store_engine, policy=POLICY, clock=desk.clock) == [ADAPTER]
    assert ask(desk)["fitted_judgements"] == 40 and ask(desk)["support"]["left_out"] == {"erased": 1}


def test_a_fit_that_read_the_erased_is_not_kept(store_engine, tmp_path, monkeypatch):
    desk = start(store_engine, tmp_path)
    fit = fits.fit_account

    def fit_then_erase(*given, **named):
        found = fit(*given, **named)
        erase_one(store_engine, desk.clock.now())
        return found

    with monkeypatch.context() as patched:
        patched.setattr(fits, "fit_account", fit_then_erase)
        assert renew_fits(store_engine, policy=POLICY, clock=desk.clock) == []
    with read(store_engine) as session:
        assert session.exec(select(Fit)).all() == []
