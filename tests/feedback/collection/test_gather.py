"""What is there of each tag and source of a small store, and the page that shows it."""

import re

from feedback.collection.gather import gather_collection
from feedback.experiments.tally import Tally
from feedback.store.engine import unit_of_work
from feedback.store.fits import write_fit
from feedback.store.tables import DEFAULT_DESK, Deployment, Record, Run
from tests.databases import START
from tests.feedback.builders import add, add_adapter, add_conversation, add_dataset
from tests.feedback.labelling.label_rows import add_item, add_label, add_task
from tests.feedback.pick_rows import add_picks

ADAPTER = "tuned-20261122-1"


def show_page(desk, language="en"):
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}", "Accept-Language": language}
    answer = desk.app.test_client().get("/console/collection", headers=headers)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def fill(desk):
    """Three conversations, two with a tag; four records of two sources; picks, a report and a dataset."""
    now = desk.clock.now()
    with unit_of_work(desk.engine) as session:
        for tags in (["refund"], ["refund", "delivery"], []):
            add_conversation(session, tags=tags)
        for number, (source, tags, rejection) in enumerate(
            (
                ("live", ["refund"], None),
                ("live", ["refund"], None),
                ("live", ["refund"], "skip"),
                ("web", [], None),
            )
        ):
            told = {"split": "test" if number else "train", "rejection": rejection, "tags": tags, "body": {}}
            names = {
                "identity": str(number),
                "conversation": "a",
                "origin_kind": "judgement",
                "created_at": now,
            }
            session.add(
                Record(
                    desk_id=DEFAULT_DESK, kind="choice", source=source, origin_id=str(number), **told, **names
                )
            )
        dataset = add_dataset(session, counts={"sources": {"live": {"all": 3, "train": 3}}})
        add_adapter(session, ADAPTER, "live", dataset_id=dataset.id)
        session.flush()
        served = {"role": "live", "adapter": ADAPTER, "actor": "ada", "reason": "", "at": now}
        session.add(Deployment(desk_id=DEFAULT_DESK, fencing_token=1, **served))
        cells = {"refund": {"tuned": 90, "base": 10, "halves": 0}}
        value = {"fitted": {"breakdown": {"tags": cells}}}
        write_fit(session, desk_id=DEFAULT_DESK, adapter=ADAPTER, judgements=100, value=value, now=now)
        report = {"tags": {"refund": {"adapter": 1.25}, "delivery": {"adapter": None}}}
        run = {"kind": "night", "slot": "1", "state": "done", "created_at": now, "started_at": now}
        session.add(Run(desk_id=DEFAULT_DESK, report=report, **run))


def test_each_tag_and_source_has_what_came_of_it(sqlite_desk, tmp_path):
    fill(sqlite_desk)
    found = gather_collection(sqlite_desk.engine, data_dir=tmp_path, desk_id=DEFAULT_DESK)
    delivery, refund = found.tags
    assert (delivery.name, delivery.conversations, delivery.usable, delivery.nats) == ("delivery", 1, 0, None)
    assert (refund.conversations, dict(refund.records)) == (2, {"train": 1, "test": 1})
    assert (refund.counted.won, refund.counted.lost, refund.nats) == (90, 10, 1.25)
    live, web = found.sources
    assert (live.name, dict(live.records), live.versions, live.adapters) == (
        "live",
        {"train": 1, "test": 1},
        1,
        (ADAPTER,),
    )
    assert live.conversations == 3 and (web.usable, web.versions, web.adapters) == (1, 0, ())
    assert found.adapter == ADAPTER and not found.is_empty


def test_a_source_has_its_agreement_and_the_picks_of_what_learned_from_it(store_engine, tmp_path):
    with unit_of_work(store_engine) as session:
        dataset = add_dataset(session, counts={"sources": {"live": {"all": 3, "train": 3}}})
        add_adapter(session, ADAPTER, "retired", dataset_id=dataset.id)
        task = add_task(session, "tag")
        told = {"source": "web", "conversation": "a", "identity": "1", "body": {}, "created_at": START}
        record = add(session, Record(desk_id=DEFAULT_DESK, kind="choice", **told))
        shown = [{"subject_id": str(record.id)}]
        for source in ("live", "live", "gone"):
            talk = add_conversation(session, source=source)
            told = {"subject_kind": "conversation", "subject_id": talk.id}
            shown.append(told | ({"conversation_id": talk.id} if source == "live" else {}))
        for position, (said, fields) in enumerate(zip(("ab", "aa", "bb", "ab"), shown, strict=True), 1):
            item = add_item(session, task, position, **fields)
            for labeller, tag in zip(("ann", "ben"), said, strict=True):
                add_label(session, item, labeller, {"tags": [tag]})
    add_picks(store_engine, ADAPTER, tuned=2, base=1, at=START)  # by each of four agents
    found = gather_collection(store_engine, data_dir=tmp_path, desk_id=DEFAULT_DESK)
    rows = {row.name: (row.alpha, row.tally) for row in found.sources}
    # Of the record one says a, one b: 1 - 2 / 2. Of what is of no source any more, nothing is told.
    assert rows == {"live": (1.0, Tally(8, 4)), "web": (0.0, Tally()), "gone": (None, Tally())}
    assert found.adapter is None


def test_the_page_says_what_to_collect_next_and_is_told_where_it_is_empty(sqlite_desk):
    assert "Nothing was collected yet" in show_page(sqlite_desk)
    assert "还没有收集到数据" in show_page(sqlite_desk, "zh-CN")
    fill(sqlite_desk)
    page = show_page(sqlite_desk)
    assert "Collect “delivery” next: no pick of what serves is about it yet, and 385 picks" in page
    assert "refund 2 1 0 1 – 0 – – 90 % 83 % – 94 % 122 1.250" in page
    assert f"live 3 1 0 1 – 1 {ADAPTER} – –" in page
    assert "接下来请收集“delivery”" in show_page(sqlite_desk, "zh-CN")
    assert sqlite_desk.get("/console/collection", "agent").status_code == 403
