"""Files into the store: counted line by line, the same file twice adds nothing, a bad line stops nothing."""

import shutil

import pytest
from sqlmodel import select

from feedback.formats.errors import ImportKindUnknown, SourceReserved
from feedback.store.engine import read
from feedback.store.tables import Conversation, Message, Record, Turn
from tests.feedback.formats.files import SHARED, bring_in, choice, thumb, write

TALK = {
    "id": "talk-1",
    "source": "test",
    "language": "en",
    "domain": "bank",
    "turns": [
        {"role": "customer", "text": "Hello", "ts": 1589375697},
        {"role": "agent", "text": "Good morning", "ts": 1589375714},
    ],
    "tags": ["happy"],
    "customer_id": "c-7",
    "survey": [{"question": "?", "answer": True}],
}


def rows(engine, table, **where):
    with read(engine) as session:
        return list(session.exec(select(table).filter_by(**where)).all())


def test_a_mixed_file_is_counted_line_by_line(store_engine, tmp_path):
    path = write(
        tmp_path / "mixed.jsonl",
        choice(1),
        "not json",
        choice(2),
        [1],
        choice(1),
        choice(1, picked=[1]),
        choice(3, picked=[9]),
        choice(4, candidates=[{"text": "Yes."}, {"text": "yes."}]),
        b'{"id": "\xff"}',
        '{"weight": NaN}',
        "",
        {"id": "x"},
    )
    report = bring_in(store_engine, path)
    assert report.count() == {
        "parts": [
            {
                "name": "mixed.jsonl",
                "form": "JSON lines",
                "encoding": "windows-1252",
                "format": "our own choices",
                "lines": 11,
            }
        ],
        "kinds": {"choices": 2},
        "lines": 11,
        "accepted": 2,
        "duplicates": 1,
        "refused": {
            "fewer_than_two_replies": 1,
            "id_taken": 1,
            "invalid_json": 1,
            "missing_field:prompt": 2,
            "not_a_number": 1,
            "not_an_object": 1,
            "picked_out_of_range": 1,
        },
        "messages": 0,
        "notes": {"guessed_conversation": 2},
        "splits": {"train": 2},
        "examples": [
            {"reason": reason, "part": "mixed.jsonl", "line": line}
            for reason, line in (
                ("fewer_than_two_replies", 8),
                ("id_taken", 6),
                ("invalid_json", 2),
                ("missing_field:prompt", 9),
                ("not_a_number", 10),
                ("not_an_object", 4),
                ("picked_out_of_range", 7),
            )
        ],
    }
    assert report.accepted + report.duplicates + sum(report.refused.values()) == report.lines
    assert [(example.line, example.reason) for example in report.examples[:2]] == [
        (2, "invalid_json"),
        (4, "not_an_object"),
    ]
    stored = rows(store_engine, Record)
    assert [(row.kind, row.source, row.identity, row.conversation) for row in stored] == [
        ("choice", "test", "talk1-1", "talk1"),
        ("choice", "test", "talk2-1", "talk2"),
    ]
    assert stored[0].body == choice(1)
    assert stored[0].at.isoformat() == "2026-11-20T09:00:00+00:00"


def test_the_same_file_twice_adds_nothing_under_any_name(store_engine, tmp_path):
    path = write(tmp_path / "a.jsonl", *(choice(number) for number in range(1200)))
    assert bring_in(store_engine, path).accepted == 1200
    shutil.copy(path, tmp_path / "b.jsonl")
    again = bring_in(store_engine, tmp_path / "b.jsonl")
    assert (again.accepted, again.duplicates, dict(again.refused)) == (0, 1200, {})
    assert len(rows(store_engine, Record)) == 1200


def test_lines_without_an_id_are_told_apart_by_content_and_occurrence(sqlite_engine, tmp_path):
    bare = {key: value for key, value in choice(1).items() if key != "id"}
    path = write(tmp_path / "a.jsonl", bare, bare, bare | {"picked": [1]})
    assert bring_in(sqlite_engine, path).accepted == 3
    assert bring_in(sqlite_engine, path).duplicates == 3
    identities = [row.identity for row in rows(sqlite_engine, Record)]
    assert [identity[64:] for identity in identities] == ["#0", "#1", "#0"]
    assert identities[0][:64] == identities[1][:64] != identities[2][:64]


def test_the_order_of_keys_makes_no_other_record(sqlite_engine, tmp_path):
    bare = {key: value for key, value in choice(1).items() if key != "id"}
    bring_in(sqlite_engine, write(tmp_path / "a.jsonl", bare))
    turned = dict(reversed(bare.items()))
    assert bring_in(sqlite_engine, write(tmp_path / "b.jsonl", turned)).duplicates == 1


def test_one_id_in_two_sources_is_two_records(sqlite_engine, tmp_path):
    path = write(tmp_path / "a.jsonl", choice(1), choice(1, source="other"))
    assert bring_in(sqlite_engine, path).accepted == 2


def test_a_given_source_replaces_what_lines_name(sqlite_engine, tmp_path):
    path = write(tmp_path / "a.jsonl", choice(1), choice(2, source="other"))
    bring_in(sqlite_engine, path, source="mine")
    assert {row.source for row in rows(sqlite_engine, Record)} == {"mine"}


def test_what_was_live_elsewhere_is_an_import_here(sqlite_engine, tmp_path):
    bring_in(sqlite_engine, write(tmp_path / "a.jsonl", choice(1, source="live")))
    assert [row.source for row in rows(sqlite_engine, Record)] == ["import"]


def test_the_name_of_live_records_is_reserved(sqlite_engine, tmp_path):
    with pytest.raises(SourceReserved, match="cannot import as source 'live'"):
        bring_in(sqlite_engine, write(tmp_path / "a.jsonl", choice(1)), source="live")


def test_an_unknown_kind_names_the_known_ones(sqlite_engine, tmp_path):
    with pytest.raises(ImportKindUnknown, match="choices, pairs, thumbs, conversations"):
        bring_in(sqlite_engine, tmp_path / "a.jsonl", "votes")


def test_thumbs_and_their_blank_texts(sqlite_engine, tmp_path):
    path = write(
        tmp_path / "a.jsonl", thumb(1), thumb(2, text=" "), thumb(3, label="yes"), thumb(4, group="g")
    )
    report = bring_in(sqlite_engine, path, "thumbs")
    assert report.accepted == 2
    assert dict(report.refused) == {"blank_text": 1, "wrong_type:label": 1}
    assert [row.conversation for row in rows(sqlite_engine, Record)] == ["thumb1", "g"]


def test_pairs_closer_than_the_limit_are_refused(sqlite_engine, tmp_path):
    near = "Your parcel has left the warehouse today."
    pair = {
        "id": "p-1",
        "prompt": [{"role": "user", "content": "Where?"}],
        "chosen": [{"role": "assistant", "content": near}],
        "rejected": [{"role": "assistant", "content": near.replace("today.", "today!")}],
    }
    report = bring_in(sqlite_engine, write(tmp_path / "a.jsonl", pair), "pairs")
    assert dict(report.refused) == {"too_close": 1}


def test_conversations_become_messages_that_wait_for_nobody(store_engine, tmp_path):
    path = write(tmp_path / "a.jsonl", TALK, {"id": "empty", "turns": []}, TALK)
    report = bring_in(store_engine, path, "conversations")
    assert (report.accepted, report.duplicates, report.messages) == (1, 1, 2)
    assert dict(report.refused) == {"no_turns": 1}
    (conversation,) = rows(store_engine, Conversation)
    assert (conversation.source, conversation.external_id, conversation.customer_id) == (
        "test",
        "talk-1",
        "c-7",
    )
    assert conversation.tags == ["happy", "domain:bank"] and conversation.language == "en"
    said = rows(store_engine, Message)
    assert [(row.position, row.role, row.text, row.origin) for row in said] == [
        (1, "customer", "Hello", None),
        (2, "agent", "Good morning", "person"),
    ]
    assert said[0].occurred_at.timestamp() == 1589375697
    assert rows(store_engine, Turn) == []
    assert bring_in(store_engine, path, "conversations").duplicates == 2


def test_who_answered_is_kept_and_makes_no_other_conversation(sqlite_engine, tmp_path):
    talks = [{"turns": [{"role": "customer", "text": "Hi"}, {"role": role, "text": "Yes?"}]}
             for role in ("bot", "agent")]  # fmt: skip
    report = bring_in(sqlite_engine, write(tmp_path / "a.jsonl", talks[0]), "conversations")
    assert report.accepted == 1
    (_, said) = rows(sqlite_engine, Message)
    assert (said.role, said.text, said.origin) == ("agent", "Yes?", "bot")
    # Earlier versions called bots agents: the same file adds nothing to what they imported.
    report = bring_in(sqlite_engine, write(tmp_path / "b.jsonl", talks[1]), "conversations")
    assert (report.accepted, report.duplicates) == (0, 1)


def test_turns_without_a_time_keep_their_order(sqlite_engine, tmp_path):
    talk = {"turns": [{"role": "customer", "text": str(number)} for number in range(5)], "at": "2026-01-01"}
    bring_in(sqlite_engine, write(tmp_path / "a.jsonl", talk), "conversations")
    times = [row.occurred_at for row in rows(sqlite_engine, Message)]
    assert times == sorted(set(times)) and times[0].isoformat() == "2026-01-01T00:00:00+00:00"


def test_what_came_in_has_its_kind_and_source(sqlite_engine, tmp_path):
    bring_in(sqlite_engine, write(tmp_path / "a.jsonl", choice(1), choice(2, source="other")))
    bring_in(sqlite_engine, write(tmp_path / "b.jsonl", TALK), "conversations")
    records = sorted((row.kind, row.source) for row in rows(sqlite_engine, Record))
    assert records == [("choice", "other"), ("choice", "test")]
    assert [row.source for row in rows(sqlite_engine, Conversation)] == ["test"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data files are not beside the repository")
@pytest.mark.parametrize(
    ("name", "kind", "accepted", "refused"),
    [
        ("feedback_thumbs_taskmaster.jsonl.gz", "thumbs", 5869, {"blank_text": 3, "empty_prompt": 6}),
        ("preferences_llmbar.jsonl", "pairs", 536, {"too_close": 2}),
        ("preferences_oasst_zh.jsonl.gz", "pairs", 1547, {"equal_texts": 5, "too_close": 3}),
        ("support_dialogues_crosswoz_zh.jsonl", "conversations", 850, {}),
        ("general_kdconv_zh.jsonl", "conversations", 0, {"missing_field:turns": 765}),
        ("suggestion_log_star.jsonl.gz", "choices", 0, {"missing_field:prompt": 45673}),
    ],
)
def test_real_files(sqlite_engine, name, kind, accepted, refused):
    report = bring_in(sqlite_engine, SHARED / name, kind)
    assert (report.accepted, dict(report.refused)) == (accepted, refused)


def test_a_record_that_names_no_language_has_that_of_its_customer(store_engine, tmp_path):
    asked = "What is the latest day on which I may return these shoes?"
    said = {"a": asked, "b": "这双鞋我最晚哪一天可以退回？", "c": "Ok?", "d": asked}
    named = {"a": None, "b": None, "c": None, "d": "nl"}
    lines = [
        choice(id=id, conversation=id, prompt=[{"role": "user", "content": text}], language=named[id])
        for id, text in said.items()
    ]
    bring_in(store_engine, write(tmp_path / "choices.jsonl", *lines))
    found = {row.identity: row.language for row in rows(store_engine, Record)}
    assert found == {"a": "en", "b": "zh", "c": None, "d": "nl"}

    turns = [{"role": "customer", "text": said["b"]}, {"role": "agent", "text": "You may return them."}]
    talk = {name: value for name, value in TALK.items() if name != "language"} | {"turns": turns}
    bring_in(store_engine, write(tmp_path / "talks.jsonl", talk), "conversations")
    assert [row.language for row in rows(store_engine, Conversation)] == ["zh"]
