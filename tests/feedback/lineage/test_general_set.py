"""A run that learnt general conversations beside its dataset names their file, which is no source."""

import pytest

from feedback.lineage.kinds import describe_run_step
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK, Run
from tests.databases import START


@pytest.mark.parametrize(
    ("mix", "named"),
    [
        ({"general": "/data/general.jsonl", "sha256": "ab" * 32}, "general.jsonl (sha256 abababababab)"),
        ({"source": "star", "sha256": "ab" * 32}, "star (sha256 abababababab)"),
        (None, None),
    ],
)  # fmt: skip
def test_the_step_of_a_run_names_its_general_set(sqlite_engine, mix, named):
    recipe = {"name": "here", "objective": "choice"} | ({"mix": mix} if mix else {})
    run = Run(desk_id=DEFAULT_DESK, kind="night", slot="x", created_at=START, recipe=recipe)
    with read(sqlite_engine) as session:
        assert describe_run_step(session, run, None)["mix"] == named
