"""Reasons that are named once a judgement is made: who may, how long, and where they arrive."""

import pytest

from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.records.from_judgement import derive_choice
from feedback.store.choices import read_judged
from feedback.store.engine import read
from feedback.store.tables import Judgement, JudgementReasons


@pytest.fixture
def judged(desk):
    _, shown = desk.open_ready(messages=[{"role": "user", "content": "Where?"}])
    return desk.pick(shown, 0).json["judgement_id"]


def give(desk, judgement_id, reasons, role="agent", **said):
    return desk.post(f"/v1/judgements/{judgement_id}/reasons", role, reasons=reasons, **said)


def read_reasons(desk):
    with read(desk.engine) as session:
        found = read_judged(session, which=Judgement.kind != "undo")
    return [list(judged.reasons) for judged, _ in found]


def test_what_was_said_last_counts_and_no_row_is_changed(desk, judged, tmp_path):
    for reasons in (["tone"], ["tone", "facts_wrong"]):
        desk.clock.advance(1)
        assert give(desk, judged, reasons).status_code == 201
    assert read_reasons(desk) == [["tone", "facts_wrong"]]
    assert desk.row(Judgement).reasons == []
    assert sorted(row.reasons for row in desk.rows(JudgementReasons)) == [["tone"], ["tone", "facts_wrong"]]
    step = Tracer(desk.engine, tmp_path, "default").find_step(Ref("judgement", judged))
    assert step.facts["reasons"] == ["tone", "facts_wrong"]


def test_without_any_the_judgement_s_own_count(desk):
    _, shown = desk.open_ready()
    desk.pick(shown, 0, reasons=["too_long"])
    assert read_reasons(desk) == [["too_long"]]


def test_nobody_speaks_for_a_colleague_except_a_program(desk, judged):
    answer = give(desk, judged, ["tone"], desk.tokens["ben"])
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "not_permitted")
    assert give(desk, judged, ["tone"], "app", agent="ben").status_code == 403
    assert give(desk, judged, ["tone"], "app").status_code == 201


def test_after_ten_minutes_it_is_too_late(desk, judged):
    desk.clock.advance(599)
    assert give(desk, judged, ["tone"]).status_code == 201
    desk.clock.advance(1)
    answer = give(desk, judged, ["unsafe"])
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "reasons_too_late")


def test_what_was_taken_back_takes_none(desk, judged):
    undo = desk.post(f"/v1/judgements/{judged}/undo", "agent").json["undo_id"]
    assert [give(desk, id, ["tone"]).status_code for id in (judged, undo)] == [409, 409]
    assert give(desk, "unknown", ["tone"]).status_code == 404


def test_an_export_has_them(desk, judged):
    give(desk, judged, ["facts_wrong"])
    with read(desk.engine) as session:
        ((row, shown),) = read_judged(session, which=Judgement.kind != "undo")
    assert derive_choice(row, shown).reasons == ["facts_wrong"]
