"""An upgrade makes a task of every duel, items of its rounds and labels of its verdicts."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import MetaData
from sqlmodel import select

from feedback.datasets.collect import Collector, Selection
from feedback.duels.read import read_duel, read_duels
from feedback.migrations import upgrade_engine
from feedback.records.redact import open_redactor
from feedback.store import tables
from feedback.store.duel_rounds import count_rounds
from feedback.store.engine import read
from tests.databases import START
from tests.feedback.migrations.old_tables import fill

STATES = ("ready", "ready", "ready", "equal", "left_out", "left_out")
ASKED = [{"role": "user", "content": "Where?"}]


def minutes(count):
    return START + timedelta(minutes=count)


def say(id, round_id, judge, verdict, minute, **fields):
    attempt = None if verdict == "undo" else 1
    at = {"occurred_at": minutes(9), "created_at": minutes(minute)}
    said = {"duel_id": "d1", "round_id": round_id, "judge": judge, "verdict": verdict, "attempt": attempt}
    return {"id": id, **said, **at, **fields}


def put_old_rows(engine):
    """A closed duel of six rounds, the last of them erased, judged by eva and ada; one that is open, of the
    first set alone, and one that is being generated.
    """
    upgrade_engine(engine, "0031")
    numbers = range(1, len(STATES) + 1)
    rounds = [
        {
            "id": f"r{number}",
            "duel_id": "d1",
            "position": number,
            "set_id": f"s{number}",
            "conversation_id": f"c{number}",
            "messages": ASKED,
            "chat_template_kwargs": {"enable_thinking": False},
            "prompt_token_ids": [1, 2],
            "state": state,
            "reason": "cut_off" if number == 5 else None,
            "a_adapter": "tuned-1" if number != 2 else None,
            "b_adapter": "tuned-1" if number == 2 else None,
            "a_text": f"Left {number}.",
            "b_text": f"Quite another one {number}.",
            "a_token_ids": [3],
            "b_token_ids": [4],
            "requests": [{"side": "a", "adapter": "tuned-1", "attempt": 1, "seed": 7, "fault": None}],
            "drawn_at": minutes(1),
            "origin": "later",
        }
        for number, state in zip(numbers, STATES, strict=True)
    ]
    texts = ("a_text", "b_text", "a_token_ids", "b_token_ids", "prompt_token_ids")
    rounds[5] = {name: value for name, value in rounds[5].items() if name not in texts}
    rounds[5] |= {"reason": "erased", "messages": []}
    rows = {
        "desk": [{"id": "default"}],
        "conversation": [{"id": f"c{number}", "language": "en", "tags": ["vip"]} for number in numbers],
        "message": [{"id": f"m{number}", "conversation_id": f"c{number}"} for number in numbers],
        "turn": [
            {"id": f"t{number}", "conversation_id": f"c{number}", "message_id": f"m{number}"}
            for number in numbers
        ],
        "suggestion_set": [
            {
                "id": f"s{number}",
                "turn_id": f"t{number}",
                "conversation_id": f"c{number}",
                "chat_template_kwargs": {},
            }
            for number in numbers
        ],
        "adapter": [{"name": "tuned-1", "created_at": START}],
        "duel": [
            {
                "id": "d1",
                "state": "closed",
                "wanted": 6,
                "seed": 2**61,
                "base_id": "b" * 64,
                "opened_at": minutes(2),
                "closed_at": minutes(60),
                "closed_by": "eva",
            },
            {"id": "d2", "state": "open", "wanted": 1, "created_at": minutes(1)},
            {"id": "d3", "state": "drawing", "wanted": 1, "created_at": minutes(2)},
        ],
        "duel_round": [
            *rounds,
            rounds[0] | {"id": "o1", "duel_id": "d2"},
            {
                "id": "w1",
                "duel_id": "d3",
                "position": 1,
                "set_id": "s1",
                "conversation_id": "c1",
                "state": "waiting",
                "messages": ASKED,
                "origin": "test",
            },
        ],
        "duel_verdict": [
            say("v1", "r1", "eva", "b", 10),
            say("v2", "r1", "eva", "undo", 11, undoes="v1"),
            say("v3", "r1", "ada", "tie", 12),
            say("v4", "r1", "eva", "a", 13, attempt=2, dwell_ms=4000),
            say("v5", "r2", "eva", "a", 14),
            say("v6", "r3", "ada", "both_bad", 15),
            say("v7", "r3", "eva", "a", 16),
            say("v8", "r3", "eva", "undo", 17, undoes="v7"),
            say("v9", "r6", "eva", "a", 18),
        ],
    }
    usual = {"desk_id": "default", "adapter": "tuned-1", "created_at": START}
    with engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name, given in rows.items():
            table = old.tables[name]
            filled = fill(table) | {key: value for key, value in usual.items() if key in table.columns}
            for row in given:
                connection.execute(table.insert().values(filled | row))


def test_rounds_and_verdicts_keep_ids_times_attempts_and_undos(empty_engine):
    put_old_rows(empty_engine)
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        duel = session.get_one(tables.Duel, "d1")
        task = session.get_one(tables.Task, duel.task_id)
        items = {row.id: row for row in session.exec(select(tables.Item))}
        labels = {row.id: row for row in session.exec(select(tables.Label))}
        states = {
            duel_id: session.get_one(tables.Task, session.get_one(tables.Duel, duel_id).task_id).state
            for duel_id in ("d1", "d2", "d3")
        }
        counts = count_rounds(session, duel_ids=["d1", "d2", "d3"])
        given = session.exec(select(tables.Assignment)).all()
    assert states == {"d1": "closed", "d2": "open", "d3": "draft"}
    assert (task.kind, task.tier, task.gold_share, task.seed) == ("compare", 2, 0, 2**61)
    assert (task.closed_by, task.closed_at, task.created_at) == ("eva", minutes(60), START)
    assert "tuned" not in task.name
    assert {item.id: (item.position, item.state, item.reason) for item in items.values()} == {
        "r1": (1, "open", None),
        "r2": (2, "open", None),
        "r3": (3, "open", None),
        "r4": (4, "dropped", "equal"),
        "r5": (5, "dropped", "cut_off"),
        "r6": (6, "dropped", "erased"),
        "o1": (1, "open", None),
        "w1": (1, "waiting", None),
    }
    assert counts["d1"] == {"waiting": 0, "ready": 3, "equal": 1, "left_out": 2}
    assert (counts["d2"]["ready"], counts["d3"]["waiting"]) == (1, 1)
    first, waits = items["r1"], items["w1"]
    assert (first.subject_kind, first.subject_id, first.conversation_id) == ("prompt", "s1", "c1")
    assert (first.conversation, first.language, first.tier) == ("c1", "en", 2)
    assert first.shown == {"messages": ASKED, "a": "Left 1.", "b": "Quite another one 1."}
    assert (first.hidden["a_adapter"], first.hidden["b_adapter"]) == ("tuned-1", None)
    assert (first.hidden["origin"], first.hidden["drawn_at"]) == ("later", minutes(1).isoformat())
    assert first.hidden["requests"][0]["seed"] == 7
    assert waits.shown == {"messages": ASKED}
    assert (items["r6"].shown, items["r6"].hidden) == ({}, {})
    assert {
        label.id: (label.item_id, label.labeller, label.value, label.attempt, label.undoes, label.slot)
        for label in labels.values()
    } == {
        "v1": ("r1", "eva", {"side": "b"}, 1, None, 2),
        "v2": ("r1", "eva", None, None, "v1", None),
        "v3": ("r1", "ada", {"side": "tie"}, 1, None, 1),
        "v4": ("r1", "eva", {"side": "a"}, 2, None, 2),
        "v5": ("r2", "eva", {"side": "a"}, 1, None, 1),
        "v6": ("r3", "ada", {"side": "both_bad"}, 1, None, 1),
        "v7": ("r3", "eva", {"side": "a"}, 1, None, None),
        "v8": ("r3", "eva", None, None, "v7", None),
        "v9": ("r6", "eva", None, 1, None, 1),
    }
    assert (labels["v4"].dwell_ms, labels["v4"].created_at, labels["v4"].occurred_at) == (
        4000,
        minutes(13),
        minutes(9),
    )
    assert {(row.item_id, row.labeller): (row.state, row.slot) for row in given} == {
        ("r1", "eva"): ("done", 2),
        ("r1", "ada"): ("done", 1),
        ("r2", "eva"): ("done", 1),
        ("r3", "ada"): ("done", 1),
        ("r3", "eva"): ("lapsed", None),
        ("r6", "eva"): ("done", 1),
    }


def test_the_figures_are_those_of_before(empty_engine):
    """Round 1 is won by eva's and tied by ada's, 2 lost, 3 bad; the equal one lies behind the last judged."""
    put_old_rows(empty_engine)
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        view = read_duel(session, desk_id="default", duel_id="d1", judge="eva")
        others = read_duels(session, desk_id="default", judge="eva", limit=9)
    score = view.result.score
    assert (score.won, score.lost, score.tied, score.both_bad) == (1, 1, 1, 1)
    assert (view.result.equal, view.result.unjudged, view.result.shared, view.result.agreed) == (1, 0, 1, 0)
    assert dict(view.result.left_out) == {"cut_off": 1, "erased": 1}
    assert (view.judged, view.judges) == (2, 2)
    assert [(each.duel.id, each.result) for each in others][:2] == [("d3", None), ("d2", None)]


def test_what_trains_has_the_ids_that_datasets_name(empty_engine, tmp_path):
    put_old_rows(empty_engine)
    upgrade_engine(empty_engine)
    refusals = Counter()
    redactor = open_redactor(tmp_path)
    collector = Collector(empty_engine, "default", Selection(), minutes(99), redactor, refusals)
    records = {item.record["id"]: item.record for item in collector.collect_choices()}
    told = {id: (each["source"], each["picked"], each["annotator"]) for id, each in records.items()}
    assert told == {"v4": ("duel", [0], "eva"), "v5": ("duel", [0], "eva")}
    assert (records["v4"]["conversation"], records["v4"]["language"], records["v4"]["tags"]) == (
        "c1", "en", ["vip"],
    )  # fmt: skip
    assert records["v4"]["candidates"] == [
        {"text": "Left 1.", "arm": "tuned", "adapter": "tuned-1", "token_ids": [3]},
        {"text": "Quite another one 1.", "arm": "base", "token_ids": [4]},
    ]
    assert (records["v4"]["base_id"], records["v4"]["prompt_token_ids"]) == ("b" * 64, [1, 2])
    assert refusals == {"undone": 2, "tie_of_all": 1, "none": 1, "erased": 1}
