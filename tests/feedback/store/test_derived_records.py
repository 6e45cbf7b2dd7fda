"""Records are written with what they are derived from, and renewed to the same values."""

import pytest
from sqlalchemy import text
from sqlmodel import select

from feedback.records.derived import RULES_VERSION
from feedback.store.derived_records import RenewalCursor, count_stale, renew_all, renew_page
from feedback.store.engine import read, unit_of_work
from feedback.store.set_writes import settle_set
from feedback.store.tables import Candidate, Record, SuggestionSet
from tests.feedback.desk import put_set
from tests.feedback.experiments.meanings import rederive
from tests.feedback.experiments.stores import PROMPT

TEXTS = ("Your order leaves today.", "- It left.\n- Soon.", "Please wait **here**.", "Please wait **here**.")


def read_records(engine):
    """By origin, without the number of the row."""
    with read(engine) as session:
        rows = session.exec(select(Record).where(Record.origin_kind != "import")).all()
    return {(row.origin_kind, row.origin_id): row.model_dump(exclude={"id"}) for row in rows}


def show(desk, texts=TEXTS, **fields):
    """A turn with its set, as the agent sees it."""
    opened = desk.open(language="en", tags=["vip"])
    put_set(desk.engine, opened["turn_id"], texts=texts, messages=PROMPT, **fields)
    return desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json


def judge(desk, shown, kind, index=None, **body):
    named = {} if index is None else {"candidate_id": shown["candidates"][index]["candidate_id"]}
    answer = desk.judge(shown, kind, **named, **body)
    assert answer.status_code == 201, answer.text
    return answer.json


def play(desk):
    """Judgements of every kind, some undone, on sets that are whole, merged, short or not shown; thumbs."""
    ids = {}
    for kind, index, body in (
        ("pick", 1, {"dwell_ms": 900}),
        ("edit", 0, {"text": "Your order leaves today, and thank you for waiting so long."}),
        ("own", None, {"text": "Something else entirely, written by hand."}),
        ("none", None, {}),
        ("skip", None, {}),
    ):
        ids[kind] = judge(desk, show(desk), kind, index, **body)
    tied = show(desk, states=("ready", "ready", "ready", "merged"), arms=("base", "tuned", "both", "base"))
    both = [candidate["candidate_id"] for candidate in tied["candidates"][:2]]
    ids["tie"] = judge(desk, tied, "tie", 0, candidate_ids=both)
    ids["undone"] = judge(desk, show(desk, states=("ready",) * 3 + ("unavailable",)), "pick", 2)
    undo = desk.post(f"/v1/judgements/{ids['undone']['judgement_id']}/undo", "agent")
    assert undo.status_code == 201
    desk.clock.advance(60)
    for name, values in (("pick", (1,)), ("edit", (1, -1)), ("own", (-1, 0))):
        for value in values:
            desk.clock.advance(1)
            message = f"/v1/messages/{ids[name]['message_id']}/thumbs"
            assert desk.post(message, value=value).status_code == 201
    return ids


def test_what_is_written_live_is_what_is_derived_anew(desk):
    ids = play(desk)
    written = read_records(desk.engine)
    with read(desk.engine) as session:
        assert count_stale(session) == 0
    rederive(desk.engine)
    assert read_records(desk.engine) == written

    def find(name, kind="judgement", key="judgement_id"):
        return written[kind, ids[name][key]]

    pick = find("pick")
    assert (pick["given"], pick["settled"], pick["winner"], pick["slot"]) == ("pick", "pick", "tuned", 1)
    assert (pick["design"], pick["adapter"], pick["agent"]) == (
        "2+2", "tuned-20261122-1", desk.users["ann"],
    )  # fmt: skip
    assert (pick["dwell_ms"], pick["tags"], pick["language"], pick["body"]) == (900, ["vip"], "en", {})
    assert pick["cards"] == [
        [0, "base", 24, 0, 0, False],
        [1, "tuned", 18, 2, 0, True],
        [2, "base", 21, 0, 1, False],
        [3, "tuned", 21, 0, 1, False],
    ]
    assert (pick["pairs"], pick["close_pairs"], pick["rules_version"]) == (2, 0, RULES_VERSION)
    assert (find("edit")["settled"], find("edit")["winner"]) == ("edit", "base")
    assert (find("own")["settled"], find("own")["winner"], find("own")["slot"]) == ("own", None, None)
    assert (find("tie")["settled"], find("tie")["winner"]) == ("tie", "both")
    assert [find(name)["rejection"] for name in ("none", "skip", "undone")] == ["none", "skip", "undone"]
    undone = find("undone")
    assert (undone["settled"], undone["winner"], undone["cards"], undone["pairs"]) == (None, None, [], 0)
    assert undone["incomparable"] == "reply_unavailable"
    thumbs = [find(name, "thumb", "message_id") for name in ("pick", "edit", "own")]
    assert [row["given"] for row in thumbs] == ["up", "down", "taken_back"]
    assert [row["winner"] for row in thumbs] == ["tuned", None, None]
    assert [row["rejection"] for row in thumbs] == [None, None, "taken_back"]
    assert len(written) == 7 + 3


def test_what_was_judged_before_its_replies_came_follows_the_set(desk):
    """An own text on a set in preparation; then another arm stands in for the adapter that went away."""
    opened = desk.open()
    set_id = put_set(desk.engine, opened["turn_id"], state="preparing", messages=PROMPT)
    with unit_of_work(desk.engine) as session:
        session.get_one(SuggestionSet, set_id).lease_owner = "one"
    judge(desk, {"set_id": set_id}, "own", text="By hand, before anything came.")
    (before,) = read_records(desk.engine).values()
    assert (before["rejection"], before["adapter"]) == ("set_not_ready", "tuned-20261122-1")
    with unit_of_work(desk.engine) as session:
        card = Candidate(
            desk_id="default", set_id=set_id, slot=0, arm="base", request_no=0, sample_no=0, text="Late."
        )
        settled = settle_set(
            session,
            set_id=set_id,
            turn_id=opened["turn_id"],
            owner="one",
            now=desk.clock.now(),
            candidates=[card],
            outcome={"adapter": None, "design": "4+0"},
            error=None,
            is_awaited=False,
        )
    assert settled == "bypassed"
    (after,) = read_records(desk.engine).values()
    assert (after["rejection"], after["adapter"], after["design"]) == ("set_not_ready", None, "4+0")
    rederive(desk.engine)
    assert read_records(desk.engine) == {("judgement", after["origin_id"]): after}


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_records_of_other_rules_are_renewed_page_by_page_and_others_left(desk, limit):
    play(desk)
    written = read_records(desk.engine)
    with unit_of_work(desk.engine) as session:
        session.execute(
            text("UPDATE record SET rules_version = 0, winner = 'x' WHERE given IN ('pick', 'up')")
        )
        session.execute(text("DELETE FROM record WHERE given = 'edit'"))
        session.execute(text("UPDATE record SET dwell_ms = 7 WHERE given = 'none'"))
        assert count_stale(session) == 4
    with unit_of_work(desk.engine) as session:
        assert (
            renew_page(session, after=RenewalCursor(), limit=1) is not None
        )  # killed here: the rest is for later
    with read(desk.engine) as session:
        assert count_stale(session) == 3
    renew_all(desk.engine, limit=limit)
    found = read_records(desk.engine)
    (none,) = [row for row in found.values() if row["given"] == "none"]
    assert none["dwell_ms"] == 7
    assert {key: row | {"dwell_ms": None} for key, row in found.items()} == {
        key: row | {"dwell_ms": None} for key, row in written.items()
    }
