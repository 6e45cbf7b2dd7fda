"""An undo is no judgement, and of the thumbs on a message the last one counts, wherever they are counted."""

import re
from datetime import timedelta

from commands.status import count_status_rows
from feedback.store.engine import read, unit_of_work
from feedback.store.overview import count_inflow, list_agents
from feedback.store.tables import Judgement
from tests.databases import START
from tests.feedback.run_report.runs import add_ended_run


def judge_and_take_back(desk):
    """Five judgements, two of them undone, one set judged again; a thumb that turns, one taken back."""
    opened, shown = desk.open_ready()
    first = desk.pick(shown, 0).json["judgement_id"]
    assert desk.post(f"/v1/judgements/{first}/undo", "agent").status_code == 201
    again = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    sent = [desk.pick(again, 1), desk.pick(desk.open_ready()[1], 2)]
    skipped = desk.judge(desk.open_ready()[1], "skip").json["judgement_id"]
    assert desk.post(f"/v1/judgements/{skipped}/undo", "agent").status_code == 201
    assert desk.judge(desk.open_ready()[1], "none").status_code == 201
    desk.clock.advance(60)
    for answer, values in zip(sent, ((1, -1), (1, 0)), strict=True):
        for value in values:
            message = answer.json["message_id"]
            assert desk.post(f"/v1/messages/{message}/thumbs", value=value).status_code == 201
            desk.clock.advance(1)


def test_every_count_of_judgements_and_thumbs_is_the_same(desk):
    judge_and_take_back(desk)
    assert len(desk.rows(Judgement)) == 7  # two of them undo rows
    with read(desk.engine) as session:
        inflow = count_inflow(session, desk_id="default", since=START)
        rows = count_status_rows(session)
    assert inflow.judgements == {"pick": 3, "skip": 1, "none": 1} and inflow.undone == 2
    assert inflow.thumbs == {"down": 1, "taken_back": 1}
    assert (rows["judgements"], rows["thumbs"]) == (5, 2)

    today = read_text(desk.get("/console", "expert"))
    assert "Judgements 5" in today and "Thumbs up · down 0 · 1" in today
    assert "sent as suggested 3" in today and "2 of them were taken back." in today
    assert "judgements 5" in read_text(desk.get("/console/funnel", "expert"))
    run = add_ended_run(desk.engine, "skipped", started_at=desk.clock.now() + timedelta(seconds=1))
    report = desk.get(f"/v1/runs/{run}/report", "expert").json
    assert sum(report["came_in"]["judgements"].values()) == report["refused"]["judgements"] == 5
    assert report["came_in"]["thumbs"] == {"up": 0, "down": 1, "taken_back": 1}


def test_who_only_took_something_back_judged_nothing(desk):
    _, shown = desk.open_ready()
    judged = desk.pick(shown).json["judgement_id"]
    assert desk.post(f"/v1/judgements/{judged}/undo", "agent").status_code == 201
    with unit_of_work(desk.engine) as session:
        session.get_one(Judgement, judged).agent = desk.users["ben"]
    with read(desk.engine) as session:
        assert list_agents(session, desk_id="default") == {desk.users["ben"]: "ben"}


def read_text(answer):
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))
