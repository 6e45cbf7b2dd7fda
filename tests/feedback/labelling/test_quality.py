"""What is told of a task, by figures that were worked out by hand."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from feedback.experiments.sequential_tests import wilson_interval
from feedback.labelling.agreement import Confusion
from feedback.labelling.disputes import read_dispute
from feedback.labelling.labellers import decide_labeller
from feedback.labelling.quality import Quality, read_quality
from feedback.store.engine import read, unit_of_work
from feedback.store.exclusions import EXCLUDE, INCLUDE
from feedback.store.tables import Task
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.labelling.label_rows import add_item, add_label, add_labelled, add_task, add_undo


def quality_of(engine, task: Task) -> Quality:
    with read(engine) as session:
        return read_quality(session, task=session.get_one(Task, task.id), now=START)


def test_progress_by_tier_and_the_time_that_is_left(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        add_labelled(session, task, "aa", "aa", "bb", "ab")
        one = add_item(session, task, 5)
        add_label(session, one, "ann", "a")
        add_item(session, task, 6)
        disputed = add_item(session, task, 7, state="disputed", tier=2)
        for number, side in enumerate("ababa"):
            add_label(session, disputed, f"labeller-{number}", side)
        add_item(session, task, 8, state="dropped", reason="erased")
        known = add_item(session, task, 9, gold={"side": "a"})
        add_label(session, known, "ann", "a")

    progress = quality_of(store_engine, task).progress

    assert progress.tiers == {1: {"settled": 4, "open": 2}, 2: {"disputed": 1}}
    assert (progress.items, progress.settled, progress.dropped, progress.labels) == (7, 4, 1, 15)
    assert progress.labels_an_item == 2.0
    # Two are asked for of each: 1 for the fifth, 2 for the sixth, and 1 at least for the disputed one. 15
    # labels came in 10 hours.
    assert progress.labels_left == 4
    assert progress.hours_left == pytest.approx(4 / 1.5)


def test_from_ten_settled_items_on_what_they_took_says_what_is_left(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        for item in add_labelled(session, task, *["aa"] * 10):
            add_label(session, item, "cay", "a", slot=3)
        add_item(session, task, 11)

    progress = quality_of(store_engine, task).progress

    assert (progress.labels_an_item, progress.labels_left) == (3.0, 3)
    assert progress.hours_left == pytest.approx(1.0)  # 30 labels in 10 hours


@pytest.mark.parametrize(("state", "at"), [("paused", 1), ("closed", 1), ("open", 24 * 8)])
def test_no_time_is_told_of_a_task_in_which_nobody_labels(store_engine, state, at) -> None:
    long_ago = START - timedelta(hours=at)
    with unit_of_work(store_engine) as session:
        task = add_task(session, state=state, opened_at=long_ago)
        add_label(session, add_item(session, task, 1), "ann", "a", at=long_ago)

    assert quality_of(store_engine, task).progress.hours_left is None


def test_agreement_is_of_blind_labels_that_stand_on_items_whose_answer_is_not_known(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        items = add_labelled(session, task, "aa", "bb", "ab", "aa")
        add_undo(session, add_label(session, items[0], "cay", "b"))
        add_label(session, items[2], "eva", "b", seen="others", role="expert")
        known = add_item(session, task, 5, gold={"side": "a"})
        for labeller in ("ann", "ben"):
            add_label(session, known, labeller, "tie")

    found = quality_of(store_engine, task).agreement

    # Of 5 a and 3 b, one pair differs: 1 - 7 * 2 / (2 * 5 * 3).
    assert found is not None
    assert found.alpha == pytest.approx(1 - 14 / 30)
    assert (found.items, found.labels) == (4, 8)
    assert found.confusion == Confusion("a", "b", 1, 1)
    assert found.low is None  # from 30 items on


def test_rates_are_ordered_and_texts_have_no_agreement(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        rate, rewrite = add_task(session, "rate"), add_task(session, "rewrite")
        for position, scores in enumerate(((1, 1), (5, 4)), 1):
            item = add_item(session, rate, position)
            for labeller, score in zip(("ann", "ben"), scores, strict=True):
                add_label(session, item, labeller, {"score": score})
        add_label(session, add_item(session, rewrite, 1), "ann", {"unchanged": False}, text="Better.")

    rated = quality_of(store_engine, rate).agreement
    # Mid-ranks of 1 1 4 5 are 1, 2.5, 3.5. One pair differs, by 1: 2 observed. Expected: 1 and 4 are 1.5
    # apart, 1 and 5 are 2.5, 4 and 5 are 1: 2 * (2 * 2.25 + 2 * 6.25 + 1) = 36.
    assert rated is not None
    assert rated.alpha == pytest.approx(1 - 3 * 2 / 36)
    assert quality_of(store_engine, rewrite).agreement is None


def test_each_tag_has_an_agreement_of_its_own(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session, "tag")
        for position, sets in enumerate(((["a"], ["a"]), (["a", "b"], ["a"]), (["b"], [])), 1):
            item = add_item(session, task, position)
            for labeller, tags in zip(("ann", "ben"), sets, strict=True):
                add_label(session, item, labeller, {"tags": tags})

    by_tag = quality_of(store_engine, task).by_tag

    assert list(by_tag) == ["a", "b"]  # given four times and twice
    assert by_tag["a"].alpha == 1.0
    assert by_tag["b"].alpha == pytest.approx(1 - 5 * 4 / (2 * 2 * 4))  # 2 yes, 4 no, two pairs differ


def test_versions_of_the_guideline_are_compared(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session, guideline_version=2)
        add_labelled(session, task, "ab", "ba", "aa", dwell_ms=9_000)
        add_labelled(session, task, "aa", "bb", "bb", first=4, guideline_version=2, dwell_ms=4_000)

    one, two = quality_of(store_engine, task).versions

    assert (one.version, one.labels, one.seconds) == (1, 6, 9.0)
    assert (two.version, two.labels, two.seconds) == (2, 6, 4.0)
    assert one.agreement is not None
    assert two.agreement is not None
    assert one.agreement.alpha == pytest.approx(1 - 5 * 4 / (2 * 4 * 2))  # 4 a, 2 b, two pairs differ
    assert two.agreement.alpha == 1.0


def test_a_check_estimates_the_errors_among_all_settled_items(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        check = add_task(session, "check", tier=2, checks_task_id=task.id)
        for position, (inclusion, verdict) in enumerate(
            ((0.5, "bad"), (0.25, "good"), (1.0, "good"), (0.5, "good"), (0.5, "unsure")), 1
        ):
            settled = {"state": "settled", "outcome": {"verdict": verdict}, "inclusion": inclusion}
            add_item(session, check, position, tier=2, **settled)
        add_item(session, check, 6, inclusion=0.5, tier=2)

    (found,) = quality_of(store_engine, task).checks

    # They stand for 2, 4, 1 and 2 items. The variance of 2 / 9 is (98 + 48 + 0 + 8) / 81 / 81, of 81 / 11
    # random checks.
    assert (found.task.id, found.drawn, found.errors.checked, found.errors.wrong) == (check.id, 6, 4, 1)
    assert found.errors.rate == pytest.approx(2 / 9)
    assert (found.errors.low, found.errors.high) == pytest.approx(wilson_interval(18 / 11, 81 / 11))


def test_of_a_task_that_compares_arms_only_progress_is_told_before_it_is_closed(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        item = add_item(session, task, 1, subject_kind="prompt", hidden={"a_arm": "base", "b_arm": "tuned"})
        for labeller, side in (("ann", "a"), ("ben", "b")):
            add_label(session, item, labeller, side)

    found = quality_of(store_engine, task)
    assert found.is_sealed
    assert (found.agreement, found.versions, found.checks) == (None, (), ())
    assert (found.progress.items, found.progress.labels) == (1, 2)

    with unit_of_work(store_engine) as session:
        session.get_one(Task, task.id).state = "closed"
    opened = quality_of(store_engine, task)
    assert not opened.is_sealed
    assert opened.agreement is not None


def test_labels_that_are_left_out_count_for_no_agreement_until_they_are_taken_in_again(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        for item in add_labelled(session, task, "aa", "bb"):
            add_label(session, item, "cay", "tie")
    before = quality_of(store_engine, task).agreement

    def put(session: Session, did: str) -> None:
        told = {"actor": "eva", "reason": "guessed", "now": START}
        decide_labeller(session, desk_id=DESK, labeller="cay", kind="compare", did=did, **told)

    with unit_of_work(store_engine) as session:
        put(session, EXCLUDE)
    without = quality_of(store_engine, task).agreement
    with unit_of_work(store_engine) as session:
        put(session, INCLUDE)

    assert before is not None
    assert without is not None
    assert (before.labels, without.labels, without.alpha) == (6, 4, 1.0)
    assert quality_of(store_engine, task).agreement == before


def test_disputes_come_one_after_the_other_and_tell_answers_without_names(store_engine) -> None:
    with unit_of_work(store_engine) as session:
        task = add_task(session)
        for position in (2, 5):
            item = add_item(session, task, position, state="disputed", tier=2)
            for labeller, side in (("ann", "a"), ("ben", "b"), ("cay", "a")):
                add_label(session, item, labeller, side)

    with read(store_engine) as session:
        found = [read_dispute(session, task=task, after=after) for after in (0, 2, 5)]

    assert [each and each.item.position for each in found] == [2, 5, 2]
    assert [(each.number, each.disputes) for each in found if each] == [(1, 2), (2, 2), (1, 2)]
    assert found[0] is not None
    assert {(said.value["side"], said.count) for said in found[0].said} == {("a", 2), ("b", 1)}
