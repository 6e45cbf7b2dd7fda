"""What is older than the retention goes at night, before the night collects, and the report counts it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from feedback.datasets.build import build_dataset
from feedback.run_report.facts import read_facts
from feedback.store import runs
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Conversation, Dataset, Message, Record
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import add_conversation, add_message
from tests.trainer.nights import LAX, ask_and_claim, import_choices
from trainer.context import NightContext
from trainer.jobs.erasures import erase_old, finish_erasures
from trainer.jobs.pipeline import run_night
from trainer.settings import TrainerSettings

LATER = START + timedelta(days=40)


@pytest.fixture
def ctx(store_engine, tmp_path):
    return NightContext(
        store_engine=store_engine,
        data_dir=tmp_path,
        settings=TrainerSettings(min_new_choices=50, retention_days=30),
        serving=ServingSettings(),
        fleet_factory=lambda: None,
        clock=FrozenClock(START),
        desk_id="default",
        policy=LAX,
    )


def talk(ctx, at, *more):
    with unit_of_work(ctx.store_engine) as session:
        row = add_conversation(session)
        row.created_at = at
        for position, said in enumerate((at, *more)):
            times = {"created_at": said, "occurred_at": said, "release_at": said}
            add_message(session, row.id, position, "customer", f"Text {position}", **times)
        return row.id


def test_the_night_erases_what_is_too_old_and_counts_it(ctx):
    import_choices(ctx, 3)
    old, kept = talk(ctx, START), talk(ctx, START, LATER - timedelta(days=2))
    dataset = build_dataset(ctx.store_engine, data_dir=ctx.data_dir, clock=ctx.clock)
    later = replace(ctx, clock=FrozenClock(LATER))
    import_choices(later, 2, first=10)
    token = ask_and_claim(later, kind="night")
    assert run_night(later, token) == "skipped"  # too little is new: the retention is kept all the same

    with read(ctx.store_engine) as session:
        erased = {row.id for row in session.exec(select(Conversation)) if row.erased_at is not None}
        texts = {row.text for row in session.exec(select(Message).where(Message.conversation_id == old))}
        standing = [row for row in session.exec(select(Record)) if row.erased_at is None]
        rebuilt = session.get_one(Dataset, dataset.id).rebuilt_as
    assert erased == {old} and kept not in erased and texts == {None}
    assert len(standing) == 2 and all(row.body for row in standing)
    assert not (dataset.path / "choices.jsonl").exists()
    assert len((ctx.data_dir / "datasets" / rebuilt / "choices.jsonl").read_text().splitlines()) == 2
    facts = read_facts(ctx.store_engine, token.run_id, now=LATER)
    assert (facts.erased["conversation"], facts.erased["record"]) == (1, 3)


def test_without_a_retention_nothing_goes_and_an_empty_rest_builds_nothing(ctx):
    import_choices(ctx, 1)
    talk(ctx, START)
    forever = replace(ctx, clock=FrozenClock(LATER), settings=TrainerSettings(min_new_choices=50))
    assert run_night(forever, ask_and_claim(forever, kind="night")) == "skipped"
    dataset = build_dataset(ctx.store_engine, data_dir=ctx.data_dir, clock=ctx.clock)
    assert (dataset.path / "choices.jsonl").exists()

    later = replace(ctx, clock=FrozenClock(LATER))
    token = ask_and_claim(later, kind="night")
    assert run_night(later, token) == "skipped"
    with read(ctx.store_engine) as session:
        row = session.get_one(Dataset, dataset.id)
        assert row.rebuilt_at is not None and row.rebuilt_as is None
        assert runs.get_run(session, desk_id="default", run_id=token.run_id).dataset_id is None


def test_a_run_at_work_on_an_erased_dataset_ends_before_its_directory_is_cleared(ctx):
    import_choices(ctx, 1)
    dataset = build_dataset(ctx.store_engine, data_dir=ctx.data_dir, clock=ctx.clock)
    token = ask_and_claim(ctx, request={"dataset": dataset.id})
    ctx.advance(token, dataset_id=dataset.id)
    broken = ctx.run_dir(token.run_id) / "broken.jsonl"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}\n")
    later = replace(ctx, clock=FrozenClock(LATER))
    assert erase_old(later, days=30) == 1
    finish_erasures(later)
    assert broken.exists() and not (dataset.path / "choices.jsonl").exists()
    with unit_of_work(ctx.store_engine) as session:
        runs.finish_run(
            session, run_id=token.run_id, token=token.fencing_token, state="failed", now=LATER, reasons=[]
        )
    finish_erasures(later)
    assert not broken.exists()
