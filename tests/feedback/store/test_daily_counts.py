"""Counts by day on both databases, worked out by hand: days end at midnight in UTC."""

from datetime import UTC, date, datetime, timedelta

from feedback.experiments.days import tally_days, tally_kinds, tally_slots
from feedback.store import daily_counts, deployments
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Deployment, Record
from tests.feedback.builders import DESK, add_adapter, add_conversation, add_message

OLD, NEW = "tuned-20261101-1", "tuned-20261102-1"
LAST = datetime(2026, 11, 1, 23, 59, 59, 999999, tzinfo=UTC)
NEXT = LAST + timedelta(microseconds=1)
FIRST_DAY, SECOND_DAY = date(2026, 11, 1), date(2026, 11, 2)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def add_record(session, number, at, **fields):
    given = {
        "desk_id": DESK,
        "kind": "choice",
        "source": "live",
        "identity": str(number),
        "origin_kind": "judgement",
        "origin_id": str(number),
        "conversation": "c",
        "body": {},
        "created_at": at,
        "given": "pick",
        "settled": "pick",
        "design": "2+2",
        "adapter": OLD,
        "slot": 0,
        "pairs": 3,
        "winner": "tuned",
    }
    session.add(Record(**given | fields))


def test_days_end_at_midnight_in_utc_and_undone_judgements_say_nothing(store_engine):
    undone = {"settled": None, "winner": None, "pairs": 0, "rejection": "undone"}
    with unit_of_work(store_engine) as session:
        add_record(session, 1, LAST)
        add_record(session, 2, LAST, winner="base", slot=1, pairs=2, close_pairs=1)
        add_record(session, 3, NEXT, winner="base", slot=3)
        add_record(session, 4, NEXT, adapter=NEW, winner="both", slot=1)
        add_record(session, 5, NEXT, adapter=NEW, given="edit", settled="edit", slot=1, pairs=1)
        add_record(session, 6, NEXT, slot=2, pairs=2)  # two of its four cards were one text
        add_record(session, 7, NEXT, **undone)
        add_record(
            session, 8, NEXT, adapter=None, design="4+0", given="own", settled="own", slot=None, winner=None
        )
        add_record(session, 9, SINCE - timedelta(microseconds=1))
    with read(store_engine) as session:
        rows = daily_counts.count_judged(session, desk_id=DESK, since=SINCE)
        assert daily_counts.count_judged(session, desk_id="another", since=SINCE) == []
    assert sum(row.judgements for row in rows) == 8
    counted = [
        (each.day, each.adapter, each.tally.won, each.tally.lost, each.tally.tied)
        for each in tally_days(rows)
    ]
    assert counted == [(FIRST_DAY, OLD, 1, 1, 0), (SECOND_DAY, OLD, 1, 1, 0), (SECOND_DAY, NEW, 1, 0, 1)]
    kinds = tally_kinds(rows)
    assert {day: dict(each.settled) for day, each in kinds.items()} == {
        FIRST_DAY: {"pick": 2},
        SECOND_DAY: {"pick": 3, "edit": 1, "own": 1},
    }
    assert (kinds[SECOND_DAY].edits.won, kinds[SECOND_DAY].edits.counted) == (1, 5)
    # Places A, B, B and D; the set with two equal texts and the edit are left out.
    assert [(each.won, each.counted) for each in tally_slots(rows)] == [(1, 4), (2, 4), (0, 4), (1, 4)]
    low, high = tally_slots(rows)[0].interval  # Wilson of 1 in 4 at z = 1.96
    assert (round(low, 4), round(high, 4)) == (0.0456, 0.6994)


def test_replies_languages_and_thumbs_by_day(store_engine):
    with unit_of_work(store_engine) as session:
        for language, at in (("en", LAST), ("zh-CN", NEXT), ("zh", NEXT), (None, NEXT)):
            conversation = add_conversation(session, language=language)
            conversation.created_at = at
            add_message(session, conversation.id, 0, "customer", "A question.", created_at=at)
            add_message(
                session, conversation.id, 1, "agent", "退款" * 2 if language else "Ten signs.", created_at=at
            )
        gone = add_message(
            session, conversation.id, 2, "agent", "Never mind", created_at=NEXT, retracted_at=NEXT
        )
        gone.text = None
        for number, (arm, given) in enumerate(
            (
                ("tuned", "up"),
                ("tuned", "up"),
                ("tuned", "down"),
                ("base", "down"),
                (None, "up"),
                ("base", "taken_back"),
            )
        ):
            add_record(
                session,
                number,
                NEXT,
                origin_kind="thumb",
                kind="thumb",
                winner=arm,
                given=given,
                settled=None,
            )
    with read(store_engine) as session:
        replies = daily_counts.measure_replies(session, desk_id=DESK, since=SINCE)
        spoken = daily_counts.count_languages(session, desk_id=DESK, since=SINCE)
        thumbs = daily_counts.count_thumbs(session, desk_id=DESK, since=SINCE)
    assert replies == {FIRST_DAY: (1, 4), SECOND_DAY: (3, 18)}  # 4 + 4 + 10 characters
    assert spoken == {
        (FIRST_DAY, "en"): 1, (SECOND_DAY, "zh-CN"): 1, (SECOND_DAY, "zh"): 1, (SECOND_DAY, None): 1
    }  # fmt: skip
    assert thumbs == {("tuned", "up"): 2, ("tuned", "down"): 1, ("base", "down"): 1, (None, "up"): 1}


def test_what_served_at_a_time_has_the_row_that_stood_before(store_engine):
    with unit_of_work(store_engine) as session:
        for name in (OLD, NEW):
            add_adapter(session, name, "live")
        for fencing_token, (role, adapter, day) in enumerate(
            (("live", OLD, 1), ("canary", OLD, 1), ("canary", None, 2), ("live", NEW, 5), ("canary", NEW, 6)),
            1,
        ):
            at = datetime(2026, 11, day, tzinfo=UTC)
            session.add(
                Deployment(
                    desk_id=DESK,
                    role=role,
                    adapter=adapter,
                    fencing_token=fencing_token,
                    actor="a",
                    reason="r",
                    at=at,
                )
            )
    with read(store_engine) as session:
        rows = deployments.list_since(session, desk_id=DESK, since=datetime(2026, 11, 4, tzinfo=UTC))
        assert [(row.role, row.adapter) for row in rows] == [
            ("live", OLD), ("canary", None), ("live", NEW), ("canary", NEW)
        ]  # fmt: skip
