"""The pages about labels: what they say, in which language, and whom they name."""

import re
from html import unescape
from pathlib import Path

import pytest

from feedback.store.engine import unit_of_work
from feedback.store.tables import Task
from tests.feedback.console.test_conversations import ADAPTER, open_page
from tests.feedback.desk import Desk
from tests.feedback.labelling.label_rows import (
    TEXTS,
    add_item,
    add_label,
    add_labelled,
    add_reliability,
    add_task,
)
from tests.feedback.labelling.missed import add_run, put_missed
from tests.feedback.labelling.tasks import add_task as make_task
from tests.feedback.labelling.tasks import say, take
from tests.feedback.labelling.test_missed import import_choices

TASKS = "/console/tasks"


def words_of(page: str) -> str:
    """The text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def task_id(desk: Desk) -> str:
    """Ann and Ben labelled four items under two versions of the guideline; one is disputed."""
    ann, ben = desk.users["ann"], desk.users["ben"]
    with unit_of_work(desk.engine) as session:
        task = add_task(session, name="Refunds", guideline="Only the answer counts.", guideline_version=2)
        for position, (one, other, version) in enumerate((("a", "a", 1), ("a", "b", 1), ("b", "b", 2)), 1):
            item = add_item(session, task, position, state="settled", outcome={"side": one})
            for labeller, side in ((ann, one), (ben, other)):
                add_label(session, item, labeller, side, guideline_version=version, dwell_ms=4_000)
        item = add_item(session, task, 4, state="disputed", tier=2)
        for labeller, side in ((ann, "a"), (ben, "tie")):
            add_label(session, item, labeller, side, guideline_version=2, dwell_ms=8_000)
        add_item(session, task, 5)
        add_reliability(
            session, ann, items=3, accuracy=0.91, low=0.6, high=0.98, gold_correct=2, gold_wrong=1
        )
        return task.id


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("No task yet", "open it: from then on people find it under Label", "New task")),
        ("zh", ("还没有标注任务", "新建标注任务")),
    ],
)
def test_a_desk_without_tasks_reads_what_to_do(desk: Desk, language: str, said: tuple[str, ...]) -> None:
    page = words_of(open_page(desk, TASKS, language=language))
    assert [words for words in said if words not in page] == []


def test_the_list_tells_progress(desk: Desk, task_id: str) -> None:
    page = open_page(desk, TASKS)
    assert '<progress max="5" value="3"' in page
    assert "Refunds compare two replies being labelled labellers and agents 3 / 5 8" in words_of(page)


def test_a_task_tells_progress_agreement_and_versions(desk: Desk, task_id: str) -> None:
    page = words_of(open_page(desk, f"{TASKS}/{task_id}"))

    # 8 labels in 10 hours; 2 items wait for about 2 and 1 more labels.
    for said in (
        "Items settled 3 / 5",
        "Labels a settled item took 2.00",
        "Left at the present rate 4 hours about 3 labels",
        "labellers and agents 1 3 0 experts 0 0 1",
        "1 dispute to decide",
        "A is better / B is better : 1 of 2 differences".replace(" :", ":"),
        "Guideline Version 2",
        "Save as version 3",
    ):
        assert said in page, said
    assert re.search(r"1 4 4\.0 0\.00 A is better / B is better: 1 of 1 differences", page)
    assert "Ann" not in page
    assert desk.users["ann"] not in open_page(desk, f"{TASKS}/{task_id}")


def test_disputes_show_answers_side_by_side_and_no_names(desk: Desk, task_id: str) -> None:
    page = open_page(desk, f"{TASKS}/{task_id}/disputes")
    words = words_of(page)
    assert "1 of 1. Names are not shown." in words
    assert words.count("This one is right") == 2
    assert "A is better 1 label" in words
    assert "tie 1 label" in words
    for name in ("ann", "ben"):
        assert desk.users[name] not in page
        assert f">{name}<" not in page


def test_a_task_of_rewrites_and_the_one_that_checks_its_texts_lead_to_each_other(desk: Desk) -> None:
    task, _ = make_task(desk.engine, "rewrite", items=2, name="Kinder", overlap_min=1)
    before = open_page(desk, f"{TASKS}/{task.id}")
    assert "checked by others" not in before
    say(desk, take(desk, task, "ann") or "", "ann", {"unchanged": False}, text="It left today.")
    checks = desk.row(Task, checks_task_id=task.id)
    page = open_page(desk, f"{TASKS}/{task.id}")
    assert "Every text is checked by others before it counts: Kinder / texts" in words_of(page)
    assert f'href="{TASKS}/{checks.id}"' in page
    assert "labellers and agents 2 0 0" in words_of(page)  # the one whose text is checked has no outcome yet
    page = open_page(desk, f"{TASKS}/{checks.id}")
    assert f'href="{TASKS}/{task.id}"' in page and "It gets every text that is written" in page
    assert 'data-part="decide"' not in page  # it is closed with the task of the texts
    chinese = words_of(open_page(desk, f"{TASKS}/{checks.id}", language="zh"))
    assert "被复核的任务里写出的每条文本都会进入这里" in chinese


def test_a_dispute_about_a_check_shows_what_was_checked(desk: Desk) -> None:
    with unit_of_work(desk.engine) as session:
        task = add_task(session, "check")
        shown = TEXTS | {"before": [{"side": "tie"}], "claim": {"verdict": "bad"}}
        add_label(
            session, add_item(session, task, 1, state="disputed", shown=shown), "ann", {"verdict": "good"}
        )
        rewrites = add_task(session, "check")
        shown = {"claim": {"unchanged": False, "text": "It left today."}}
        add_item(session, rewrites, 1, state="disputed", shown=shown)
    words = words_of(open_page(desk, f"{TASKS}/{task.id}/disputes"))
    assert "What was said tie What was said wrong" in words
    assert "New text It left today." in words_of(open_page(desk, f"{TASKS}/{rewrites.id}/disputes"))


def test_a_task_that_compares_arms_shows_no_answer_before_it_is_closed(desk: Desk) -> None:
    with unit_of_work(desk.engine) as session:
        task = add_task(session)
        item = add_item(session, task, 1, subject_kind="prompt", state="disputed")
        add_label(session, item, "ann", "a")
        add_labelled(session, task, "ab", first=2)
    for path in (f"{TASKS}/{task.id}", f"{TASKS}/{task.id}/disputes"):
        words = words_of(open_page(desk, path))
        for told in ("is better", "Krippendorff", "This one is right", "dispute to decide"):
            assert told not in words
    assert "shown to nobody before the task is closed" in words_of(open_page(desk, f"{TASKS}/{task.id}"))


def test_the_page_of_labellers_tells_how_often_each_is_right(desk: Desk, task_id: str) -> None:
    desk.post(f"/v1/labellers/{desk.users['ben']}/pause", "expert", reason="guesses", kind="compare")
    desk.post(f"/v1/labellers/{desk.users['ben']}/exclude", "expert", reason="guesses", kind="compare")
    page = words_of(open_page(desk, "/console/labellers"))

    assert "ann compare two replies 4 91 % 60 % – 98 % 2 / 3 4.0" in page
    assert "ben paused left out compare two replies 4 not known yet – 4.0" in page
    assert "By eva: guesses" in page
    assert "eva: ben labels left out (compare two replies) guesses" in page


@pytest.mark.parametrize(
    "path", [TASKS, "/console/labellers", f"{TASKS}/{{task}}", f"{TASKS}/{{task}}/disputes"]
)
def test_agents_see_none_of_these_pages(desk: Desk, task_id: str, path: str) -> None:
    open_page(desk, path.format(task=task_id), role="agent", status=403)


def test_the_page_offers_runs_that_list_what_their_adapters_missed(desk: Desk, tmp_path: Path) -> None:
    import_choices(desk, 3)
    listed, bare = add_run(desk.engine, ADAPTER), add_run(desk.engine, slot="2")
    put_missed(tmp_path, listed, ("shop", "choice-0", 2.0), ("shop", "choice-2", 1.0))
    with unit_of_work(desk.engine) as session:
        path = f"{TASKS}/{add_task(session, state='draft').id}"
        tags = f"{TASKS}/{add_task(session, 'tag', state='draft').id}"
    page = open_page(desk, path)
    assert f'<option value="{listed}">{ADAPTER} · ' in page
    assert bare not in page
    assert 'name="report"' not in open_page(desk, tags)
    counted = open_page(desk, f"{path}?count=yes&report={listed}")
    assert "2 new items" in words_of(counted)
    assert f'<input type="hidden" name="selection.report" value="{listed}">' in counted
    assert f'<option value="{listed}" selected>' in counted
    assert "no list of picks" in open_page(desk, f"{path}?count=yes&report={bare}", status=409)
    assert "没有记下" in open_page(desk, f"{path}?count=yes&report={bare}", language="zh", status=409)
