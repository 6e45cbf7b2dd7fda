"""What records hold is what the rows say: every figure and dataset as before there were records.

The store has judgements of every kind, merged texts, nearly equal ones, ties, undos, unblinded ones, sets of
two versions, thumbs that were changed, imports; then conversations are erased.
"""

import random
from datetime import timedelta

from sqlmodel import col, delete, select

from feedback.datasets.build import Selection, build_dataset
from feedback.experiments.funnel import count_funnel
from feedback.experiments.measure import measure_picks
from feedback.experiments.picks import read_picks
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.experiments.support import support_of
from feedback.experiments.versions import tally_versions
from feedback.store.derived_records import RenewalCursor, count_stale, renew_page
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.new_records import count_new_choices
from feedback.store.record_counts import count_given, count_versions
from feedback.store.records import add_records
from feedback.store.tables import Candidate, Judgement, Message, Record, SuggestionSet
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.chain import record
from tests.feedback.experiments import raw_rows
from tests.feedback.experiments.log import ADAPTER, OTHER, write_log
from tests.feedback.experiments.test_versions_from_events import BEFORE, put_versions

ADAPTERS = (ADAPTER, OTHER, BEFORE)


def answer(engine):
    """The replies of the log become those of its judgements: thumbs on them have a prompt, some an arm."""
    draw = random.Random(3)
    with unit_of_work(engine) as session:
        replies = (
            select(Message, SuggestionSet)
            .join(SuggestionSet, SuggestionSet.conversation_id == Message.conversation_id)
            .where(Message.role == "agent")
            .order_by(SuggestionSet.slot_seed)  # the same in every run, unlike ids
        )
        for message, shown in session.exec(replies).all():
            judged = session.exec(
                select(Judgement).where(Judgement.set_id == shown.id, Judgement.kind == "pick")
            ).first()
            if draw.random() < 0.9:
                message.turn_id = shown.turn_id
            if judged is not None:
                message.origin, message.candidate_id = "verbatim", judged.candidate_id
            message.text = f"Reply {draw.randrange(30)} it is."
            session.add(message)


def bring_near(engine):
    """Two replies of some sets become nearly the same."""
    with unit_of_work(engine) as session:
        sets = session.exec(select(SuggestionSet).order_by(SuggestionSet.slot_seed))
        for shown in list(sets)[::9]:
            cards = select(Candidate).where(Candidate.set_id == shown.id, Candidate.state == "ready")
            first, second, *_ = session.exec(cards.order_by(Candidate.slot)).all()
            second.text = f"{first.text}."
            session.add(second)


def fill(engine):
    """As the migration does, in small pages."""
    with unit_of_work(engine) as session:
        session.exec(delete(Record).where(col(Record.origin_kind) != "import"))
        after = RenewalCursor()
        while after is not None:
            after = renew_page(session, after=after, limit=37)
        assert count_stale(session) == 0


def check_figures(engine, tmp_path, monkeypatch, end):
    judged = raw_rows.list_judged(engine)
    since = START + timedelta(hours=2)
    with read(engine) as session:
        for adapter in ADAPTERS:
            before = raw_rows.count_support(judged, adapter)
            support = support_of(session, adapter)
            assert support == before
            assert before.judgements > 10 or adapter == BEFORE
            compared = tally_versions(adapter, count_versions(session, desk_id=DESK, adapter=adapter))
            assert [each.to_json() for each in compared] == [
                each.to_json() for each in raw_rows.compare_versions(judged, adapter)
            ]
            assert len(compared) == (adapter == ADAPTER)
        for window in ({}, {"since": since}, {"since": since, "until": end - timedelta(hours=1)}):
            found = count_funnel(count_given(session, desk_id=DESK, **window))
            assert found == raw_rows.count_funnel(raw_rows.list_judged(engine, **window))
            assert found.judgements > 20 and (window or found.pair_reasons.total() > 0)
        new = count_new_choices(session, desk_id=DESK, since=since)
        assert new == raw_rows.count_new_choices(engine, since)
    for adapter in ADAPTERS:
        picks = list(read_picks(engine, adapter, with_experience=True))
        assert picks == raw_rows.list_picks(judged, adapter)
        measured = measure_picks(adapter, picks, RolloutPolicy())
        assert measured.evidence.tally == support_from(engine, adapter).tally
    check_datasets(engine, tmp_path, monkeypatch, end)


def support_from(engine, adapter):
    with read(engine) as session:
        return support_of(session, adapter)


def check_datasets(engine, tmp_path, monkeypatch, end):
    selections = Selection(), Selection(tags=("vip",)), Selection(sources=("live",), since=START)
    clock = FrozenClock(end)

    def build():
        built = [
            build_dataset(engine, data_dir=tmp_path, clock=clock, selection=selection)
            for selection in selections
        ]
        return [(info.id, info.counts, info.refusals) for info in built]

    now = build()
    with monkeypatch.context() as patched:
        raw_rows.collect_from_rows(patched)
        assert build() == now
    counts = now[0][1]
    thumbs = sum(of["all"] for of in counts["sources"].values()) - counts["choices"]["all"]
    assert thumbs > 30 and counts["sources"]["star"]["all"] == 1
    assert {"undone", "unblinded", "tie_of_all", "none", "no_prompt", "taken_back"} <= set(now[0][2])


def test_every_figure_and_dataset_is_the_same_as_from_the_rows(store_engine, tmp_path, monkeypatch):
    end = write_log(store_engine, seed=17, sets=240)
    put_versions(store_engine)
    answer(store_engine)
    bring_near(store_engine)
    with unit_of_work(store_engine) as session:
        add_records(session, rows=[record("star", "star-1-e11")])
    fill(store_engine)
    check_figures(store_engine, tmp_path, monkeypatch, end)

    with unit_of_work(store_engine) as session:
        in_turn = select(SuggestionSet.conversation_id).order_by(SuggestionSet.slot_seed)
        ids = list(session.exec(in_turn))[::5]
        counts = erase_rows(session, subject=ErasedSubject(ids), now=end)
    assert "record" not in counts  # of imports there is none among them
    with read(store_engine) as session:
        erased = session.exec(select(Record).where(col(Record.conversation).in_(ids))).all()
        assert len(erased) > 40 and not any(row.tags for row in erased)
        assert {row.rejection for row in erased} > {"erased"}
    check_figures(store_engine, tmp_path, monkeypatch, end)
