"""Ids that people type: whole, cut short, shared by several or unknown."""

import pytest

from feedback.lineage.find import IdAmbiguous, IdUnknown
from feedback.lineage.graph import Ref
from feedback.store.engine import unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import Judgement, Turn
from tests.feedback.chain import ADAPTER, DATASET, record


def test_ids_are_found_whole_cut_short_and_by_address(chain):
    turn, candidate = chain.opened["turn_id"], chain.desk.rows(Judgement, kind="pick")[0].candidate_id
    cases = {
        chain.judgement: Ref("judgement", chain.judgement),
        f" {chain.judgement[:8]} ": Ref("judgement", chain.judgement),
        f"choice:{chain.judgement}": Ref("choice", chain.judgement),
        chain.run: Ref("run", chain.run),
        DATASET[:12]: Ref("dataset", DATASET),
        ADAPTER: Ref("adapter", ADAPTER),
        "star-1-e1": Ref("choice", "star/star-1-e11"),
        "star/star-1-e11": Ref("choice", "star/star-1-e11"),
        "2": Ref("deployment", "2"),
        turn: Ref("message", chain.desk.row(Turn, id=turn).message_id),
        candidate: Ref("set", chain.set),
        chain.thumb: Ref("thumb", chain.thumb),
    }
    assert {text: chain.find(text) for text in cases} == cases


@pytest.mark.parametrize(
    "text", ["", "  ", "no-such-id", "tuned-2", "%" * 9, "_" * 8, "99", "x" * 900, "a\0b"]
)
def test_an_unknown_id_says_what_would_do(chain, text):
    with pytest.raises(IdUnknown) as refused:
        chain.find(text)
    assert refused.value.status == 404 and "at least 8 characters" in refused.value.hint


def test_an_id_of_several_lists_them(chain):
    rows = [record("moon", "star-1-e11"), record("star", "star-1-e12", kind="pair")]
    rows += [record("loud", f"STAR-1-E{number}") for number in range(20)]  # another case is another id
    with unit_of_work(chain.desk.engine) as session:
        add_records(session, rows=rows)
    with pytest.raises(IdAmbiguous) as whole:
        chain.find("star-1-e11")
    assert set(whole.value.candidates) == {Ref("choice", "star/star-1-e11"), Ref("choice", "moon/star-1-e11")}
    with pytest.raises(IdAmbiguous) as cut:
        chain.find("star-1-e")
    assert len(cut.value.candidates) == 3 and "pair:star/star-1-e12" in cut.value.message
