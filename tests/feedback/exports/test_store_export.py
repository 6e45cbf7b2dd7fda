"""The whole store as records: what people did here and brought, without what was erased or withdrawn."""

from collections import Counter

import pytest

from feedback.exports.store import StoreReader
from feedback.formats.importer import import_file
from feedback.records.redact import open_redactor
from feedback.store.tables import DEFAULT_DESK
from tests.feedback.desk import make_desk
from tests.feedback.erasure.lives import OTHER, WORD, import_record, talk
from tests.feedback.formats.files import choice, write


@pytest.fixture
def desk(store_engine, tmp_path):
    """Two customers, each with a conversation, an edited reply, a thumb and an imported choice."""
    desk = make_desk(store_engine, tmp_path)
    for word in (WORD, OTHER):
        talk(desk, word)
        import_record(desk, word)
    desk.clock.advance(60)
    return desk


def reader_of(desk, path, **options):
    return StoreReader(desk.engine, DEFAULT_DESK, desk.clock.now(), open_redactor(path), **options)


def test_what_people_did_leaves_with_reasons_comments_and_names(desk, tmp_path):
    reader = reader_of(desk, tmp_path)
    choices = [record for record in reader.read("choices") if record["source"] == "live"]
    # An edit so far from its reply is a text of their own.
    assert [record["kind"] for record in choices] == ["own", "own"]
    assert choices[0]["own"] == f"Our {WORD} is on its way, by tomorrow evening at the latest."
    assert choices[0]["reasons"] == [f"rude to {WORD}"]  # the last word counts
    assert {reply["arm"] for reply in choices[0]["candidates"]} <= {"base", "tuned", "both"}
    thumb = next(record for record in reader.read("thumbs") if record["reasons"] == [WORD])
    assert (thumb["label"], thumb["comment"], thumb["reasons"]) == (False, f"Bad {WORD}", [WORD])
    talks = list(reader.read("conversations"))
    assert [turn["role"] for turn in talks[0]["turns"]] == ["customer", "agent"]
    assert (talks[0]["customer_id"], talks[0]["customer_details"]) == (f"{WORD}-77", [f"Mrs {WORD}"])
    assert thumb["conversation"] == choices[0]["conversation"] == talks[0]["id"]
    assert list(reader.read("pairs")) == []


def test_what_was_erased_leaves_no_trace_and_is_counted(desk, tmp_path):
    desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    reader = reader_of(desk, tmp_path)
    left = [record for kind in ("choices", "thumbs", "conversations") for record in reader.read(kind)]
    assert len(left) == 4 and WORD not in str(left) and OTHER in str(left)
    assert reader.refused["erased"] == 4


def test_sources_are_chosen_and_a_withdrawn_one_stays_behind(desk, tmp_path):
    import_file(
        desk.engine, write(tmp_path / "a.jsonl", choice(1), choice(2, source="other")), clock=desk.clock
    )
    one = reader_of(desk, tmp_path, sources=("test",))
    assert [record["id"] for record in one.read("choices")] == ["talk1-1"]
    assert list(one.read("thumbs")) == list(one.read("conversations")) == []
    some = reader_of(desk, tmp_path, left_out={"test": "source_paused", "live": "source_withdrawn"})
    sources = Counter(record["source"] for record in some.read("choices"))
    assert sources == {"old": 2, "other": 1}
    assert list(some.read("conversations")) == []
    assert some.refused == {"source_paused": 1, "source_withdrawn": 4}
