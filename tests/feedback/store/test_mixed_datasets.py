"""An adapter whose run mixed a source in has learnt from that source's dataset, too, wherever it is asked."""

from feedback.store.adapters import find_erased_at, list_erased
from feedback.store.engine import unit_of_work
from feedback.store.erasures import list_runs_of, mark_datasets
from feedback.store.lineage import list_made, list_makers
from feedback.store.source_marks import find_withdrawn_of
from feedback.store.sources import change_source_state, register_sources
from feedback.store.tables import Adapter, Run
from tests.feedback.builders import DESK, NOW, add, add_adapter, add_dataset

OWN, STAR = "a" * 64, "b" * 64


def learn(session, name, mix):
    recipe = {"name": "here"} | ({"mix": mix} if mix else {})
    told = {"desk_id": DESK, "kind": "night", "slot": name, "created_at": NOW, "recipe": recipe}
    run = add(session, Run(**told, dataset_id=OWN, adapter=name))
    add_adapter(session, name, run_id=run.id, dataset_id=OWN)
    return run.id


def test_what_befalls_the_dataset_of_a_mixed_source_befalls_those_that_learnt_it(store_engine):
    with unit_of_work(store_engine) as session:
        register_sources(session, desk_id=DESK, kinds={"star": "public"}, now=NOW)
        add_dataset(session, OWN)
        add_dataset(session, STAR, counts={"sources": {"star": {"all": 3}}})
        mixed = learn(session, "mixed", {"source": "star", "ratio": 10.0, "sha256": STAR})
        # A file with the hash of that dataset is another thing, and most runs mix nothing in.
        learn(session, "file", {"general": "general.jsonl", "ratio": 10.0, "sha256": STAR})
        learn(session, "plain", None)
    with unit_of_work(store_engine) as session:
        rows = [session.get_one(Adapter, name) for name in ("mixed", "file", "plain")]
        assert [run.id for run in list_runs_of(session, dataset_ids=[STAR])] == [mixed]
        assert len(list_runs_of(session, dataset_ids=[OWN])) == 3
        assert list_made(session, kind="dataset", id=STAR) == [("run", mixed)]
        assert list_makers(session, kind="run", id=mixed) == [("dataset", OWN), ("dataset", STAR)]
        assert list_erased(session, desk_id=DESK) == set()
        mark_datasets(session, dataset_ids=[STAR], now=NOW)
        assert list_erased(session, desk_id=DESK) == {"mixed"}
        assert [find_erased_at(session, adapter=row) for row in rows] == [NOW, None, None]
        told = {"name": "star", "state": "withdrawn", "actor": "eva", "reason": "gone", "now": NOW}
        change_source_state(session, desk_id=DESK, **told)
        assert [find_withdrawn_of(session, adapter=row) for row in rows] == [{"star": NOW}, {}, {}]
