"""A night that learns from labels: sixty imported records, three people, one dispute, a real training, and
the way from a record over its labels to the adapter and back. What comes of it was worked out by hand.

Of ticket n the import prefers its first reply. All three people see two of its replies:

    n = 0           ann prefers the first, ben says tie, cyd prefers the other: eva decides for the first
    1 to 39         all prefer the first, but for cyd where 3 divides n
    40 to 49        all prefer the other one: the import was wrong
    50 to 54        tie: nothing to learn
    55 to 59        both bad: nothing to learn

With accuracies of 0.8 two against one are 0.64 w to 0.8 w w, and to w w w of each of the two answers that
nobody gave, where w = 0.2 / 3: 91 %, so 59 items settle. Of 60 answers ann has 60 right, ben 59 and cyd 46:
with Beta(4, 1) beforehand 64, 63 and 50 of 65.
"""

import json
import re
import threading
from collections import Counter
from itertools import pairwise

import pytest

from feedback.clock import SystemClock
from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import read_members
from feedback.labelling.trust import renew_reliabilities
from feedback.lineage.graph import Ref
from feedback.store.tables import Item, Label, Record, Reliability
from tests.databases import open_sqlite
from tests.feedback.desk import make_desk
from tests.feedback.formats.files import write
from tests.feedback.labelling.tasks import add_people, say
from tests.loop.conftest import QUICK_POLICY, write_quick_recipe
from tests.trainer.nights import ask
from trainer.context import open_context
from trainer.jobs.worker import Worker

TICKETS, PEOPLE = 60, ("ann", "ben", "cyd")
GOOD = "I am sorry about that. I have looked it up and will write to you within the hour."
OTHER = "Please be patient."
FIRST, SECOND, TIE, NEITHER = "first", "second", "tie", "both_bad"
CYD = (50 / 65 - 1 / 4) / (0.9 - 1 / 4)  # what of cyd's word counts in training


def make_ticket(number):
    return {
        "id": f"ticket{number}-1",
        "conversation": f"ticket{number}",
        "prompt": [{"role": "user", "content": f"Where is my parcel {number}?"}],
        "candidates": [{"text": GOOD}, {"text": OTHER}],
        "picked": [0],
        "language": "en",
    }


def say_of(number, who):
    """What this person says of a ticket."""
    if number == 0:
        return {"ann": FIRST, "ben": TIE, "cyd": SECOND}[who]
    if number < 40:
        return SECOND if who == "cyd" and number % 3 == 0 else FIRST
    return SECOND if number < 50 else TIE if number < 55 else NEITHER


def number_of(item):
    return int(re.search(r"\d+", item.shown["messages"][-1]["content"])[0])


def value_of(item, said):
    first = "a" if item.shown["a"] == GOOD else "b"
    return {"side": {FIRST: first, SECOND: "ab"["ba".index(first)]}.get(said, said)}


@pytest.fixture
def desk(store):
    made = make_desk(open_sqlite(store / "rejoinder.db"), store)
    add_people(made, "cyd", role="labeller")
    made.clock.advance((SystemClock().now() - made.clock.now()).total_seconds())  # as for the child process
    yield made
    made.engine.dispose()


def label_tickets(desk, call, folder):
    """The items after sixty tickets were imported, labelled by three, and one of them decided; by number."""
    path = write(folder / "tickets.jsonl", *(json.dumps(make_ticket(number)) for number in range(TICKETS)))
    assert call("import", str(path), "--source", "helpdesk").exit_code == 0
    rules = {"overlap_min": 3, "overlap_max": 3, "gold_share": 0.0}
    task_id = desk.post("/v1/tasks", "eva", name="Which is better?", kind="compare", **rules).json["task_id"]
    filled = desk.post(f"/v1/tasks/{task_id}/items", "eva", selection={"sources": ["helpdesk"]})
    assert filled.json == {"added": TICKETS, "skipped": 0, "refused": {}}
    assert desk.post(f"/v1/tasks/{task_id}/state", "eva", state="open").status_code == 200
    items = {item.id: item for item in desk.rows(Item)}
    for who in PEOPLE:
        while (item_id := desk.post(f"/v1/tasks/{task_id}/next", who).json["item_id"]) is not None:
            item = items[item_id]
            say(desk, item_id, who, value_of(item, say_of(number_of(item), who)))
    return {number_of(item): item for item in desk.rows(Item)}


def decide_dispute(desk, items):
    assert [number for number, item in items.items() if item.state != "settled"] == [0]
    path = f"/v1/items/{items[0].id}/adjudication"
    desk.clock.advance(0.001)
    assert desk.post(path, "eva", value=value_of(items[0], FIRST)).status_code == 201


def train(data_dir, folder, monkeypatch):
    """The run of a real night, of few steps, in the trainer's child process. No engine takes its adapter."""
    recipe, policy = write_quick_recipe(folder / "quick.yaml"), folder / "quick.toml"
    # Fifty labels that all name one of two texts are learnt by heart, and replay texts suffer.
    policy.write_text(QUICK_POLICY.replace("ratio = 9.0", "ratio = 1e6"), encoding="utf-8")
    monkeypatch.setenv("REJOINDER_TRAINER__RECIPE", str(recipe))
    monkeypatch.setenv("REJOINDER_FEEDBACK__POLICY", str(policy))
    with open_context(data_dir, None) as ctx:
        run_id = ask(ctx)
        assert Worker(ctx).step(threading.Event())
        return ctx.read_run(run_id)


def build(call, *sources):
    words = [word for source in sources for word in ("--source", source)]
    return json.loads(call("dataset", "build", "--json", *words).output)


def read_choices(data_dir, dataset_id):
    lines = (dataset_dir(data_dir, dataset_id) / "choices.jsonl").read_text("utf-8").splitlines()
    return {(record["source"], record["id"]): record for record in map(json.loads, lines)}


@pytest.mark.timeout(1800)  # a training, and two others beside it may have every core
def test_a_night_learns_from_labels_and_lineage_walks_from_one_to_the_adapter_and_back(
    desk, call, data_dir, tmp_path, monkeypatch
):
    items = label_tickets(desk, call, tmp_path)
    decide_dispute(desk, items)
    came = Counter((row.settled, row.rejection) for row in desk.rows(Record, origin_kind="label"))
    assert came == {("pick", None): 50, (None, "tie_of_all"): 5, (None, "none"): 5}

    assert renew_reliabilities(desk.engine, clock=desk.clock) == ["compare"]
    rows = {row.labeller: row for row in desk.rows(Reliability)}
    accuracies = [rows[desk.users[who]].accuracy for who in PEOPLE]
    assert accuracies == pytest.approx([64 / 65, 63 / 65, 50 / 65], abs=0.01)

    alone = build(call, "label")
    assert (alone["counts"]["choices"]["all"], alone["refusals"]) == (50, {"none": 5, "tie_of_all": 5})
    both = build(call, "label", "helpdesk")
    # 40 tickets were labelled as they had come: the label stays, and the import is its copy.
    assert both["refusals"] == {"copy": 40, "none": 5, "tie_of_all": 5}
    members = read_members(dataset_dir(data_dir, both["id"]))
    assert members.by["source"] == {"helpdesk": 20, "label": 50}
    for number, item in items.items():
        holds = [
            members.find("choice", *name) is not None
            for name in (("label", item.id), ("helpdesk", f"ticket{number}-1"))
        ]
        assert holds == [number < 50, number >= 40]
    choices = read_choices(data_dir, both["id"])
    for number in range(50):
        # The mean of who says so; of the one that eva decided, eva's alone, of whom nothing is known.
        mean = 1.0 if number < 40 and number % 3 == 0 else (1 + 1 + CYD) / 3
        assert choices["label", items[number].id]["weight"] == pytest.approx(mean, abs=0.01)
    wrong = choices["label", items[45].id]
    assert [wrong["candidates"][place]["text"] for place in wrong["picked"]] == [OTHER]

    run = train(data_dir, tmp_path, monkeypatch)
    assert (run.state, run.decision) == ("done", "passed"), run.error or run.reasons
    assert run.dataset_id == both["id"]  # it builds one of its own, of the same content
    assert run.adapter is not None
    for number in (0, pick_named(call, both["id"], items)):
        follow(desk, call, items[number], number, run)


def pick_named(call, dataset_id, items):
    """A ticket labelled as it had come whose record the step of the dataset names, among its first twenty."""
    step = read_steps(call, Ref("dataset", dataset_id), "--back")[Ref("dataset", dataset_id)]
    assert (len(step["before"]), step["more_before"]) == (20, 50)
    named = {each["id"] for each in step["before"]}
    return next(number for number in range(1, 40) if f"label/{items[number].id}" in named)


def follow(desk, call, item, number, run):
    """From the imported record to the adapter and back: by the command, and from page to page."""
    labels = {label.labeller: label for label in desk.rows(Label, item_id=item.id)}
    assert len(labels) == (4 if number == 0 else 3)
    label = labels[desk.users["eva" if number == 0 else "ann"]]
    assert label.seen == ("others" if number == 0 else "blind")
    record, dataset = Ref("choice", f"label/{item.id}"), Ref("dataset", run.dataset_id)
    way = [Ref("choice", f"helpdesk/ticket{number}-1"), Ref("item", item.id), Ref("label", label.id), record]
    way += [dataset, Ref("run", run.id), Ref("adapter", run.adapter)]
    onwards = read_steps(call, way[0], "--forward")
    back = read_steps(call, record, "--back") | read_steps(call, way[-1], "--back")
    for step, follower in pairwise(way):
        assert follower._asdict() in onwards[step]["after"]
        assert address_of(follower) in read_links(desk, step)
        if step != record:  # of 70 records the dataset names 20
            assert step._asdict() in back[follower]["before"]
            assert address_of(step) in read_links(desk, follower)
    assert dataset._asdict() not in onwards[way[0]]["after"]  # the import was a copy
    assert onwards[record]["facts"]["source"] == "label"


def read_steps(call, start, direction):
    """The steps that the command tells, by what they are of."""
    told = json.loads(call("lineage", str(start), direction, "--json").output)
    return {Ref(step["kind"], step["id"]): step for step in told["steps"]}


def read_links(desk, ref):
    """Where the page of a step leads to."""
    page = desk.get(f"/console/lineage?id={ref}", "eva")
    assert page.status_code == 200, page.text
    return re.findall(r'<a class="mono" href="([^"]+)"', page.text)


def address_of(ref):
    if ref.kind in ("dataset", "run", "adapter"):
        return f"/console/{ref.kind}s/{ref.id}"
    return f"/console/lineage{'?id=' if '/' in ref.id else '/'}{ref}"
