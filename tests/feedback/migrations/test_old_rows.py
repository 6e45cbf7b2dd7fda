"""What an upgrade makes of the rows of an older version, on both databases."""

from datetime import timedelta

from alembic import command
from sqlalchemy import MetaData, text
from sqlmodel import select

from feedback.deployment.policy import load_policy
from feedback.deployment.policy_changes import note_policy_change
from feedback.migrations import configure, upgrade_engine
from feedback.store import tables
from feedback.store.drafts import Written, list_drafts, save_draft
from feedback.store.duels import list_undrawn
from feedback.store.engine import read, unit_of_work
from feedback.store.presence import count_present, list_readers, note_presence
from tests.databases import START
from tests.feedback.migrations.old_tables import fill

OLD_ROWS = (
    "INSERT INTO desk (id, name, created_at) VALUES ('default', 'd', '2026-11-01')",
    "INSERT INTO conversation (id, desk_id, source, tags, created_at)"
    " VALUES ('c1', 'default', 'live', '[]', '2026-11-01')",
    "INSERT INTO dataset (id, desk_id, selection, counts, refusals, created_at)"
    " VALUES ('d1', 'default', '{}', '{}', '{}', '2026-11-01')",
    "INSERT INTO run (id, desk_id, kind, slot, state, progress, request, requested_by, dataset_id, reasons,"
    " fence, created_at)"
    " VALUES ('r1', 'default', 'night', '1', 'done', 1, '{}', '', 'd1', '[]', 0, '2026-11-01')",
)


def test_rows_of_the_version_before_erasure_come_along(empty_engine):
    upgrade_engine(empty_engine, "0006")
    with empty_engine.begin() as connection:
        for row in OLD_ROWS:
            connection.exec_driver_sql(row)
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        conversation = session.get_one(tables.Conversation, "c1")
        assert (conversation.customer_details, conversation.erased_at) == ([], None)
        run, dataset = session.get_one(tables.Run, "r1"), session.get_one(tables.Dataset, "d1")
        assert (run.dataset_id, dataset.rebuilt_as) == ("d1", None)


def test_a_turn_of_the_version_before_closings_was_closed_by_nobody(empty_engine):
    upgrade_engine(empty_engine, "0008")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "conversation", "message", "turn"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        turn = session.get_one(tables.Turn, "x")
        assert (turn.state, turn.closed_as, turn.closed_by, turn.closed_at) == ("x", None, None, None)


def test_nobody_is_at_the_desk_of_a_store_that_is_upgraded(empty_engine):
    upgrade_engine(empty_engine, "0010")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "conversation", "message", "turn"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
    upgrade_engine(empty_engine)
    with unit_of_work(empty_engine) as session:
        assert count_present(session, desk_id="x", now=START) == 0
        note_presence(session, desk_id="x", agent="ann", turn_id="x", now=START)
        assert list_readers(session, desk_id="x", now=START) == {"x": ["ann"]}


def test_a_store_that_is_upgraded_has_no_drafts_and_takes_them(empty_engine):
    upgrade_engine(empty_engine, "0011")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "conversation"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
    upgrade_engine(empty_engine)
    with unit_of_work(empty_engine) as session:
        assert list_drafts(session, desk_id="x", agent="ann") == []
        said = {"desk_id": "x", "agent": "ann", "conversation_id": "x", "now": START}
        for written in (Written(2**40, text="Dear"), Written(2**40 - 1, text="De")):
            assert save_draft(session, **said, written=written) == 2**40
        assert [kept.draft.text for kept in list_drafts(session, desk_id="x", agent="ann")] == ["Dear"]


def test_nobody_is_said_to_have_sent_the_messages_of_an_older_store(empty_engine):
    upgrade_engine(empty_engine, "0012")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "conversation", "message"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        message = session.get_one(tables.Message, "x")
        assert (message.role, message.agent) == ("x", None)


def test_a_thumb_of_the_version_before_numbers_has_none(empty_engine):
    upgrade_engine(empty_engine, "0013")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "conversation", "message", "thumb"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        thumb = session.get_one(tables.Thumb, "x")
        assert (thumb.value, thumb.number) == (1, None)


def test_replies_of_before_they_named_who_sent_them_get_it_from_their_judgement(empty_engine):
    upgrade_engine(empty_engine, "0014")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        rows = {name: fill(old.tables[name]) for name in ("desk", "conversation", "message", "turn")}
        rows["message"] |= {"role": "agent", "turn_id": "x"}
        for name in ("suggestion_set", "judgement"):
            rows[name] = fill(old.tables[name])
        rows["judgement"] |= {"message_id": "x", "agent": "ann", "kind": "pick"}
        for name, row in rows.items():
            connection.execute(old.tables[name].insert().values(row))
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.get_one(tables.Message, "x").agent == "ann"
        assert session.get_one(tables.Conversation, "x").fields == []
        assert session.get_one(tables.Turn, "x").due_at is None


def test_a_set_of_version_4_has_left_nothing_out(empty_engine):
    config = configure()
    with empty_engine.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "conversation", "message", "turn", "suggestion_set"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
    assert "left_out" not in old.tables["suggestion_set"].columns
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.get_one(tables.SuggestionSet, "x").left_out == 0


def test_judgements_and_thumbs_of_before_get_their_records(empty_engine):
    """A pick and an undone one of the same set, and two thumbs on a reply, the later one down."""
    upgrade_engine(empty_engine, "0015")
    rows = {
        "desk": [{"id": "default"}],
        "conversation": [{"id": "c", "desk_id": "default", "tags": ["vip"], "language": "en"}],
        "message": [
            {"id": "m", "role": "customer", "position": 0},
            {"id": "r", "role": "agent", "position": 1, "turn_id": "t", "text": "One."},
        ],
        "turn": [{"id": "t", "message_id": "m"}],
        "suggestion_set": [
            {
                "id": "s",
                "turn_id": "t",
                "design": "2+2",
                "adapter": "tuned-1",
                "messages": [{"role": "user", "content": "Where?"}],
                "chat_template_kwargs": {},
                "revealed_at": START,
            }
        ],
        "candidate": [
            {
                "id": f"k{slot}",
                "set_id": "s",
                "slot": slot,
                "arm": arm,
                "text": f"{slot} it is.",
                "state": "ready",
            }
            for slot, arm in enumerate(("base", "tuned", "tuned", "base"))
        ],
        "judgement": [
            {"id": "j1", "kind": "pick", "candidate_id": "k0", "closes_attempt": 1},
            {"id": "j2", "kind": "undo", "undoes": "j1"},
            {"id": "j3", "kind": "pick", "candidate_id": "k2", "closes_attempt": 2, "agent": "ann"},
        ],
        "thumb": [
            {"id": "t1", "message_id": "r", "value": 1},
            {"id": "t2", "message_id": "r", "value": -1, "created_at": START + timedelta(seconds=1)},
        ],
    }
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        same = {"desk_id": "default", "conversation_id": "c", "set_id": "s", "turn_id": "t", "tags": []}
        for name, given in rows.items():
            table = old.tables[name]
            usual = fill(table) | {key: value for key, value in same.items() if key in table.columns}
            if name == "message":
                del usual["turn_id"]
            for row in given:
                connection.execute(table.insert().values(usual | row))
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        found = {row.identity: row for row in session.exec(select(tables.Record))}
    assert set(found) == {"j1", "j3", "t2"}
    told = [(row.rejection, row.settled, row.winner, row.tags) for _, row in sorted(found.items())]
    assert told == [
        ("undone", None, None, ["vip"]),
        (None, "pick", "tuned", ["vip"]),
        (None, None, None, ["vip"]),
    ]
    assert (found["j3"].agent, found["j3"].slot, found["j3"].pairs) == ("ann", 2, 3)
    assert [row.given for row in found.values()].count("down") == 1


def test_the_policy_of_a_store_that_is_upgraded_is_noted_by_the_next_start(empty_engine):
    upgrade_engine(empty_engine, "0018")
    with empty_engine.execution_options(writing=True).begin() as connection:
        connection.execute(
            text("INSERT INTO desk (id, name, created_at) VALUES ('default', 'd', :at)"), {"at": START}
        )
    upgrade_engine(empty_engine)
    noted = [
        note_policy_change(empty_engine, load_policy(name), now=START)
        for name in ("default", "default", "careful")
    ]
    assert noted == [True, False, True]
    with read(empty_engine) as session:
        row = session.exec(select(tables.PolicyChange)).all()[-1]
    assert (row.name, row.limits["canary.share"], row.reason) == ("careful", "0.2", None)


def test_releases_become_facts_in_the_order_of_their_time(empty_engine):
    """A store of version 0004: a reply held for 5 s while the customer wrote on, and one taken back."""
    upgrade_engine(empty_engine, "0004")
    rows = [  # position, role, seconds until the release, taken back
        (0, "customer", 0, None),
        (1, "agent", 65, None),
        (2, "customer", 62, None),
        (3, "agent", 70, START),
        (4, "customer", 4000, None),  # later than any clock of the upgrade
    ]
    with empty_engine.execution_options(writing=True).begin() as connection:
        connection.execute(
            text("INSERT INTO desk (id, name, created_at) VALUES ('default', 'd', :at)"), {"at": START}
        )
        connection.execute(
            text(
                "INSERT INTO conversation (id, desk_id, source, tags, created_at) "
                "VALUES ('c', 'default', 'live', '[]', :at)"
            ),
            {"at": START},
        )
        for position, role, seconds, retracted in rows:
            connection.execute(
                text(
                    "INSERT INTO message (id, desk_id, conversation_id, position, role, text, occurred_at, "
                    "created_at, release_at, retracted_at) VALUES (:id, 'default', 'c', :position, :role, "
                    "'x', :at, :at, :release_at, :retracted)"
                ),
                {
                    "id": f"m{position}",
                    "position": position,
                    "role": role,
                    "at": START,
                    "release_at": START + timedelta(seconds=seconds),
                    "retracted": retracted,
                },
            )
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        found = session.exec(select(tables.Message).order_by(tables.Message.position)).all()
    assert [row.release_no for row in found] == [0, 2, 1, None, 3]
    assert [row.released_at and (row.released_at - START).total_seconds() for row in found] == [
        0, 65, 62, None, 4000,
    ]  # fmt: skip


def test_conversations_of_before_strangers_were_known_count_as_opened_by_an_app(empty_engine):
    upgrade_engine(empty_engine, "0008")
    with empty_engine.execution_options(writing=True).begin() as connection:
        connection.execute(
            text("INSERT INTO desk (id, name, created_at) VALUES ('default', 'd', :at)"), {"at": START}
        )
        connection.execute(
            text(
                "INSERT INTO conversation (id, desk_id, source, customer_details, tags, created_at) "
                "VALUES ('c', 'default', 'live', '[]', '[]', :at)"
            ),
            {"at": START},
        )
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.exec(select(tables.Conversation)).one().stranger_hash is None


def test_strangers_of_before_are_told_by_their_hash_alone(empty_engine):
    upgrade_engine(empty_engine, "0015")
    rows = [
        ("asked", "stranger", "a1", None),
        ("erased", "stranger", None, None),
        ("imported", "stranger", None, "7"),
        ("app", "live", None, None),
    ]
    with empty_engine.execution_options(writing=True).begin() as connection:
        connection.execute(
            text("INSERT INTO desk (id, name, created_at) VALUES ('default', 'd', :at)"), {"at": START}
        )
        for id, source, stranger_hash, external_id in rows:
            connection.execute(
                text(
                    "INSERT INTO conversation (id, desk_id, source, stranger_hash, external_id, "
                    "customer_details, tags, created_at) "
                    "VALUES (:id, 'default', :source, :hash, :external, '[]', '[]', :at)"
                ),
                {"id": id, "source": source, "hash": stranger_hash, "external": external_id, "at": START},
            )
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        found = session.exec(select(tables.Conversation)).all()
    assert {row.id: (row.source, row.stranger_hash) for row in found} == {
        "asked": ("live", "a1"),
        "erased": ("live", None),
        "imported": ("stranger", None),
        "app": ("live", None),
    }


def test_duels_of_before_rebases_are_of_one_base(empty_engine):
    upgrade_engine(empty_engine, "0023")
    with empty_engine.execution_options(writing=True).begin() as connection:
        for row in (
            "desk (id, name, created_at) VALUES ('default', 'd', :at)",
            "adapter (name, desk_id, state, base_id, manifest_sha256, created_at) "
            "VALUES ('tuned-1', 'default', 'passed', 'b', 's', :at)",
            "duel (id, desk_id, name, adapter, state, wanted, seed, base_id, template_hash, created_by, "
            "created_at) VALUES ('d1', 'default', 'one', 'tuned-1', 'drawing', 1, 1, 'b', '', 'eva', :at)",
        ):
            connection.execute(text(f"INSERT INTO {row}"), {"at": START})
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        duel = session.exec(select(tables.Duel)).one()
        assert (duel.rebase_id, duel.arm) == (None, None)
        assert set(list_undrawn(session)) == {"d1"}
        assert session.exec(select(tables.Rebase)).all() == []


def test_fits_of_before_counts_were_kept_by_agent_are_fitted_anew(empty_engine):
    upgrade_engine(empty_engine, "0018")
    rows = (
        "desk (id, name, created_at) VALUES ('default', 'd', :at)",
        "adapter (name, desk_id, state, base_id, manifest_sha256, created_at) "
        "VALUES ('tuned-1', 'default', 'canary', 'b', 's', :at)",
        "fit (desk_id, adapter, judgements, value, at) VALUES ('default', 'tuned-1', 1, '[]', :at)",
    )
    with empty_engine.execution_options(writing=True).begin() as connection:
        for row in rows:
            connection.execute(text(f"INSERT INTO {row}"), {"at": START})
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.exec(select(tables.Fit)).all() == []
