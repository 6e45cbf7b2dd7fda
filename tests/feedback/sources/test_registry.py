"""Every name that records come from is a source of the desk, with a kind."""

from feedback.store.engine import read
from feedback.store.sources import hold_source, list_sources
from tests.feedback.formats.files import bring_in, choice, write
from tests.feedback.formats.foreign import TASK


def read_kinds(engine):
    with read(engine) as session:
        return {row.name: row.kind for row in list_sources(session, desk_id="default")}


def test_a_desk_has_its_own_sources_and_an_import_registers_those_it_brings(store_engine, tmp_path):
    assert read_kinds(store_engine) == {"duel": "own", "label": "own", "live": "own"}
    path = write(
        tmp_path / "a.jsonl",
        choice(1, source="star"),
        choice(2, source="our agents"),
        choice(3, source="live"),  # of another installation
        {"id": "x", "source": "never"},  # no choice
    )
    bring_in(store_engine, path)
    bring_in(store_engine, path)
    own = {"duel": "own", "label": "own", "live": "own"}
    assert read_kinds(store_engine) == own | {"import": "user", "our agents": "user", "star": "public"}
    with read(store_engine) as session:
        row = hold_source(session, desk_id="default", name="our agents")
        assert (row.state, row.licence, row.owner, row.grade_override) == ("active", None, None, None)


def test_a_source_has_the_kind_of_its_format_if_its_name_says_nothing(store_engine, tmp_path):
    """The pairwise labels of Label Studio, under a name of somebody's own."""
    bring_in(store_engine, write(tmp_path / "b.jsonl", TASK), kind=None, source="first batch")
    assert read_kinds(store_engine)["first batch"] == "crowd"
