"""What an upgrade makes of tables and columns that got other names, on both databases."""

from sqlalchemy import MetaData
from sqlmodel import select

from feedback.migrations import upgrade_engine
from feedback.store import tables
from feedback.store.engine import read, unit_of_work
from tests.feedback.migrations.old_tables import fill


def insert_old(engine, rows):
    """One row in each of these tables of the version that the store is at."""
    with engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name, row in rows.items():
            connection.execute(old.tables[name].insert().values(fill(old.tables[name]) | row))


def test_decisions_on_picks_come_along_under_the_name_of_the_rollout(empty_engine):
    upgrade_engine(empty_engine, "0020")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name in ("desk", "adapter"):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name])))
        decision = fill(old.tables["exposure_decision"])
        decision.pop("id", None)
        connection.execute(old.tables["exposure_decision"].insert().values(decision))
    upgrade_engine(empty_engine)
    with unit_of_work(empty_engine) as session:
        session.add(tables.RolloutDecision(**decision | {"verdict": "y"}))
        session.flush()
        found = session.exec(select(tables.RolloutDecision).order_by(tables.RolloutDecision.id)).all()
        assert [(row.id, row.verdict) for row in found] == [(1, "x"), (2, "y")]


def test_operators_come_along_as_users_with_their_tokens_sessions_and_events(empty_engine):
    upgrade_engine(empty_engine, "0020")
    rows = {
        "desk": {},
        "operator": {"id": "u1", "name": "ann"},
        "api_token": {"operator_id": "u1"},
        "sign_in_link": {"operator_id": "u1"},
        "web_session": {"operator_id": "u1", "data": {"operator_id": "u1", "csrf": "z"}},
        "conversation": {},
        "message": {},
        "thumb": {"actor": "visitor:c"},
        "event": {"actor": "operator:u1"},
    }
    insert_old(empty_engine, rows)
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.exec(select(tables.User.name)).all() == ["ann"]
        assert session.exec(select(tables.ApiToken.user_id)).all() == ["u1"]
        assert session.exec(select(tables.SignInLink.user_id)).all() == ["u1"]
        held = session.exec(select(tables.WebSession)).one()
        assert (held.user_id, held.data) == ("u1", {"user_id": "u1", "csrf": "z"})
        assert session.exec(select(tables.Event.actor)).all() == ["user:u1"]
        assert session.exec(select(tables.Thumb.actor)).all() == ["visitor:c"]


def test_deployments_and_runs_keep_their_numbers_as_fencing_tokens(empty_engine):
    upgrade_engine(empty_engine, "0020")
    with empty_engine.execution_options(writing=True).begin() as connection:
        old = MetaData()
        old.reflect(connection)
        for name, row in (
            ("desk", {}),
            ("deployment", {"fence": 7, "share": 1.0}),
            ("run", {"fence": 3, "progress": 0.0}),
        ):
            connection.execute(old.tables[name].insert().values(fill(old.tables[name]) | row))
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.exec(select(tables.Deployment.fencing_token)).all() == [7]
        assert session.exec(select(tables.Run.fencing_token)).all() == [3]


def test_sets_and_replies_keep_which_arm_is_resampled_and_the_numbers_of_samples(empty_engine):
    upgrade_engine(empty_engine, "0023")
    rows = {
        **{name: {} for name in ("desk", "conversation", "message", "turn")},
        "suggestion_set": {"redraw_arm": "tuned"},
        "candidate": {"draw_no": 3},
    }
    insert_old(empty_engine, rows)
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.exec(select(tables.SuggestionSet.resampled_arm)).all() == ["tuned"]
        assert session.exec(select(tables.Candidate.sample_no)).all() == [3]
