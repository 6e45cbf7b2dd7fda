"""What an adapter predicted wrong is labelled again: the worst of it where not all is taken."""

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Item, Judgement, Record, SuggestionSet, Task
from tests.databases import START
from tests.feedback.desk import Desk
from tests.feedback.labelling.missed import add_run, put_missed
from tests.feedback.labelling.test_fill import choice, draft, fill, import_records, judged_set


def judge(desk: Desk, set_id: str) -> str:
    with unit_of_work(desk.engine) as session:
        turn_id = session.get_one(SuggestionSet, set_id).turn_id
        made = {"desk_id": "default", "kind": "pick", "agent": "ann", "occurred_at": START}
        judged = Judgement(set_id=set_id, turn_id=turn_id, created_at=START, **made)
        session.add(judged)
        session.flush()
        return judged.id


def import_choices(desk: Desk, count: int, source: str = "shop") -> None:
    texts = (choice(f"{source} {number} one", f"{source} {number} two") for number in range(count))
    import_records(desk, "choice", *texts, source=source)


def list_identities(desk: Desk, task: Task) -> set[str]:
    names = {str(row.id): f"{row.source}/{row.identity}" for row in desk.rows(Record)}
    return {names.get(row.subject_id, row.subject_id) for row in desk.rows(Item, task_id=task.id)}


def test_what_a_run_missed_becomes_items(desk, tmp_path):
    import_choices(desk, 3)
    import_choices(desk, 3, source="other")
    _, missed_set = judged_set(desk, ("One.", "Two."))
    judged_set(desk, ("Three.", "Four."))  # predicted
    run_id = add_run(desk.engine)
    lines = (("shop", "choice-1", 1.5), ("live", judge(desk, missed_set), 0.9), ("shop", "gone-9", 4.0))
    put_missed(tmp_path, run_id, *lines)
    task = draft(desk, "compare")
    wanted = {"report": run_id}
    assert fill(desk, task, selection=wanted) == {"added": 2, "skipped": 0, "refused": {}}
    assert list_identities(desk, task) == {"shop/choice-1", missed_set}
    assert desk.row(Task).selection == wanted
    assert fill(desk, task, selection=wanted) == {"added": 0, "skipped": 2, "refused": {}}
    assert fill(desk, draft(desk, "compare"), selection=wanted | {"sources": ["live"]})["added"] == 1
    assert fill(desk, draft(desk, "compare"), selection=wanted | {"contradictions": True})["added"] == 0
    assert fill(desk, draft(desk, "tag"), selection=wanted)["added"] == 0  # replies were predicted, no talk


@pytest.mark.parametrize("gold", [[], ["choice-2"]])
def test_the_limit_takes_what_it_was_most_sure_against(desk, tmp_path, gold):
    import_choices(desk, 12)
    run_id = add_run(desk.engine)
    # 2.0, 2.7, 2.4, 2.1, 2.8, 2.5, 2.2, 2.9, 2.6, 2.3, 3.0, 2.7: 10, 7 and 4 cost most
    nats = [2.0 + (7 * number % 10) / 10 for number in range(10)] + [3.0, 2.7]
    put_missed(tmp_path, run_id, *(("shop", f"choice-{number}", cost) for number, cost in enumerate(nats)))
    ids = {row.identity: str(row.id) for row in desk.rows(Record)}
    known = [{"subject": ids[name], "value": {"side": "a"}} for name in gold]
    task = draft(desk, "compare")
    assert fill(desk, task, selection={"report": run_id}, limit=3, gold=known)["added"] == 3
    worst = ["choice-10", "choice-7", "choice-4"]
    assert list_identities(desk, task) == {f"shop/{name}" for name in [*gold, *worst][:3]}
    fill(desk, task, selection={"report": run_id})
    assert len(list_identities(desk, task)) == 12


def test_a_set_that_two_people_judged_counts_by_the_worse_of_both(desk, tmp_path):
    sets = [judged_set(desk, (f"{number} one", f"{number} two"))[1] for number in range(2)]
    judged = [judge(desk, sets[0]), judge(desk, sets[0]), judge(desk, sets[1])]
    run_id = add_run(desk.engine)
    costs = zip(judged, (0.8, 3.0, 2.0), strict=True)
    put_missed(tmp_path, run_id, *(("live", id, nats) for id, nats in costs))
    task = draft(desk, "compare")
    fill(desk, task, selection={"report": run_id}, limit=1)
    assert list_identities(desk, task) == {sets[0]}


def test_what_is_gone_since_is_counted(desk, tmp_path):
    conversation_id, set_id = judged_set(desk, ("One.", "Two."))
    run_id = add_run(desk.engine)
    put_missed(tmp_path, run_id, ("live", judge(desk, set_id), 2.0))
    desk.post(f"/v1/conversations/{conversation_id}/erasure")
    filled = fill(desk, draft(desk, "compare"), selection={"report": run_id})
    assert filled == {"added": 0, "skipped": 0, "refused": {"erased": 1}}


def test_an_empty_list_asks_for_nothing_and_a_missing_one_is_refused_with_what_to_do(desk, tmp_path):
    import_choices(desk, 2)
    empty, unmeasured = add_run(desk.engine), add_run(desk.engine, slot="2")
    put_missed(tmp_path, empty)
    task = draft(desk, "compare")
    assert fill(desk, task, selection={"report": empty}) == {"added": 0, "skipped": 0, "refused": {}}
    for run_id, status, code, hint in (
        (unmeasured, 409, "missed_picks_unknown", "Name another run"),
        ("../runs/" + empty, 404, "run_not_found", "Check the id"),
    ):
        answer = desk.post(f"/v1/tasks/{task.id}/items", "eva", selection={"report": run_id})
        error = answer.json["error"]
        assert (answer.status_code, error["code"]) == (status, code)
        assert run_id in error["message"] and hint in error["hint"]
    assert desk.rows(Item) == []
