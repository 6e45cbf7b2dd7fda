"""Trust is given and lost at the moments that were worked out, and decides what the helper settles alone."""

import pytest
from sqlmodel import select

from feedback.helper.settling import is_for_people, settle_alone, settle_item
from feedback.helper.trust import renew_trust
from feedback.labelling.claim import give
from feedback.labelling.labeller import Labeller
from feedback.records.from_label import weigh_item
from feedback.store.engine import read, unit_of_work
from feedback.store.helper_labels import add_trust
from feedback.store.labelled_items import read_labelled
from feedback.store.tables import HelperLabel, HelperTrust, Item, Record, Task
from feedback.store.text_checks import hold_item
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.helper.scripted import trusted_in
from tests.feedback.labelling.settled import put_task
from tests.feedback.labelling.tasks import add_task, say, take

# Of forty items, who said which of two replies: half of everybody's are a, so chance is 0.5.
SEVENTY = [("a", "a")] * 17 + [("b", "b")] * 17 + [("a", "b"), ("b", "a")] * 3
FORTY = [("a", "a")] * 14 + [("b", "b")] * 14 + [("a", "b"), ("b", "a")] * 6
MODEL = "judge-1"
TEXT = "It left our house today and is with you by Friday."


class Bench:
    """A task in which the helper and people label, block after block, one block an hour."""

    def __init__(self, engine):
        self.engine, self.clock = engine, FrozenClock(START)
        self.task_id, self.places = put_task(engine), 0

    def add(self, pairs, model=MODEL):
        """Items of which the helper said one thing and people, who settled them, another; None: they wait."""
        self.clock.advance(3600)
        rows = []
        for said, settled in pairs:
            self.places += 1
            rows.append((said, self._item(settled)))
        with unit_of_work(self.engine) as session:
            session.add_all([item for _, item in rows])
            session.flush()
            session.add_all([self._label(said, item, model) for said, item in rows if said is not None])
        return [item.id for _, item in rows]

    def _item(self, settled):
        return Item(
            desk_id=DESK,
            task_id=self.task_id,
            position=self.places,
            subject_kind="set",
            subject_id=str(self.places),
            conversation=f"c{self.places}",
            shown={"messages": [{"role": "user", "content": "Where?"}], "a": "Yes, soon.", "b": "No idea."},
            tier=1,
            state="open" if settled is None else "settled",
            outcome=None if settled is None else {"side": settled},
            settled_at=None if settled is None else self.clock.now(),
            created_at=START,
        )

    def _label(self, said, item, model):
        return HelperLabel(
            desk_id=DESK,
            task_id=self.task_id,
            item_id=item.id,
            asked="host/judge",
            model=model,
            state="said",
            value={"side": said},
            created_at=START,
        )

    def look(self, model=MODEL):
        return renew_trust(self.engine, task_id=self.task_id, model=model, clock=self.clock, desk_id=DESK)

    def settle(self):
        return settle_alone(self.engine, task_id=self.task_id, model=MODEL, clock=self.clock, desk_id=DESK)

    def decisions(self):
        with read(self.engine) as session:
            rows = session.exec(select(HelperTrust).order_by(HelperTrust.number)).all()
        return [(row.model, row.is_trusted, row.reason, row.kappa and round(row.kappa, 6)) for row in rows]

    def items(self, ids):
        with read(self.engine) as session:
            return [session.get_one(Item, item_id) for item_id in ids]

    def trust(self):
        for _ in range(5):
            self.add(SEVENTY)
        assert self.look()


@pytest.fixture
def bench(store_engine):
    return Bench(store_engine)


def test_kappa_70_is_trusted_at_200_items_and_kappa_40_no_more_after_120(bench):
    """Blocks of forty: 0.7 - 1.96 sqrt(0.51 / n) reaches 0.6 with the fifth. Of the last 200, three blocks of
    0.4 make 0.52, below 0.55.
    """
    looks = []
    for pairs in [SEVENTY] * 5 + [FORTY] * 3:
        bench.add(pairs)
        looks.append(bench.look())
    assert looks == [False] * 4 + [True] * 3 + [False]
    assert bench.decisions() == [(MODEL, True, "agrees", 0.7), (MODEL, False, "differs", 0.52)]


def test_what_was_lost_is_earned_by_new_items_alone(bench):
    bench.trust()
    for _ in range(3):
        bench.add(FORTY)
    assert not bench.look()
    bench.add([("a", "a"), ("b", "b")] * 49 + [("a", "a")])
    assert not bench.look()  # 99 perfect ones since; the last 200 are above the bar by then
    bench.add([("b", "b")])
    assert bench.look()


def test_another_model_begins_with_nothing(bench):
    bench.trust()
    waiting = bench.add([("a", None)])
    assert not bench.look("judge-2") and bench.settle() == 0
    assert bench.decisions()[-1] == (MODEL, False, "model_changed", None)
    assert bench.items(waiting)[0].state == "open"


def test_it_settles_nine_of_ten_items_that_nobody_has_had_and_returns_them_when_it_differs(sqlite_engine):
    bench = Bench(sqlite_engine)
    waiting = bench.add([("a", None)] * 60)
    assert bench.settle() == 0  # not trusted yet
    bench.trust()
    silent = bench.add([(None, None)])
    with unit_of_work(sqlite_engine) as session:
        task, item = session.get_one(Task, bench.task_id), session.get_one(Item, waiting[0])
        give(session, task=task, item=item, labeller=Labeller("ann", "agent"), now=bench.clock.now())
    peoples = {item_id for item_id in waiting if is_for_people(task, item_id)} | {waiting[0]}
    assert bench.settle() == 60 - len(peoples) and bench.settle() == 0
    rows = bench.items(waiting)
    assert {row.id for row in rows if row.state == "open"} == peoples
    told = {(str(row.outcome), row.settled_by, row.confidence) for row in rows if row.state == "settled"}
    assert told == {("{'side': 'a'}", "helper", 0.85)}
    assert read_weights(sqlite_engine, waiting) == {round((0.85 - 0.25) / 0.65, 6), 1.0}
    assert bench.items(silent)[0].state == "open" and count_records(sqlite_engine) == 60 - len(peoples)
    for _ in range(3):
        bench.add(FORTY)
    assert not bench.look()
    assert {row.state for row in bench.items(waiting)} == {"open"} and count_records(sqlite_engine) == 0


def read_weights(engine, ids):
    with read(engine) as session:
        return {weigh_item(item) for item in read_labelled(session, item_ids=ids)}


def count_records(engine):
    with read(engine) as session:
        return len([row for row in session.exec(select(Record)) if row.rejection is None])


def test_a_tenth_goes_to_people_whatever_is_trusted():
    task = Task(desk_id=DESK, name="t", kind="compare", seed=7, created_by="eva", created_at=START)
    share = sum(is_for_people(task, f"item {place}") for place in range(10_000)) / 10_000
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 10_000) ** 0.5


def test_what_the_helper_settled_itself_proves_nothing(sqlite_engine):
    bench = Bench(sqlite_engine)
    ids = bench.add([("a", "a"), ("b", "b")] * 60)
    with unit_of_work(sqlite_engine) as session:
        for item_id in ids:
            session.get_one(Item, item_id).settled_by = "helper"
    assert not bench.look() and bench.decisions() == []


@pytest.mark.parametrize(("verdict", "state"), [("good", "settled"), ("bad", "open")])
def test_a_text_that_a_trusted_helper_settles_counts_as_one_that_people_did(sqlite_desk, verdict, state):
    """Of a bad one somebody else writes."""
    task, (item,) = add_task(sqlite_desk.engine, "rewrite", items=1, overlap_min=1)
    told = say(sqlite_desk, take(sqlite_desk, task, "ann"), "ann", {"unchanged": False}, text=TEXT)
    check = sqlite_desk.row(Item, subject_kind="label", subject_id=told["label_id"])
    with unit_of_work(sqlite_desk.engine) as session:
        add_trust(session, row=trusted_in(check.task_id, MODEL))
        held = hold_item(session, item=session.get_one(Item, check.id))
        settle_item(session, item=held, value={"verdict": verdict}, now=sqlite_desk.clock.now())
    row = sqlite_desk.row(Item, id=item.id)
    outcome = {"unchanged": False, "text": TEXT} if state == "settled" else None
    assert (row.state, row.outcome, row.confidence) == (state, outcome, 0.85 if outcome else None)
