"""Every format is recognised by its records, becomes records of ours, and says why something does not."""

import copy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.formats.asked import Asked
from feedback.formats.errors import ColumnsMissing
from feedback.formats.fields import FieldFault
from feedback.formats.importer import try_file
from feedback.formats.recognise import FORMATS, recognise_format, recognise_record
from feedback.formats.times import read_time
from feedback.records.rejections import REASONS
from tests.feedback.formats.files import CLOCK, write
from tests.feedback.formats.foreign import ASKED, BAD, GOOD, NOON
from tests.feedback.formats.samples import SAMPLES

ROOT = Path(__file__).resolve().parents[3]
ROWS = "messages in rows"  # a format of tables, tested below


def test_every_format_has_a_sample_and_a_place_in_the_docs():
    names = {format.name for format in FORMATS}
    assert names == SAMPLES.keys() | {ROWS}
    told = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in told] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_a_record_is_recognised_and_becomes_ours(tmp_path, name):
    record, kind, expected, _, _ = SAMPLES[name]
    assert recognise_record(record).name == name
    report = try_file(write(tmp_path / "a.txt", record), clock=CLOCK)
    assert ([part.format for part in report.parts], dict(report.kinds), dict(report.refused)) == (
        [name],
        {kind: 1},
        {},
    )
    made = report.shown[0] | report.shown[0]["record"]
    assert {field: made[field] for field in expected} == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_a_record_that_cannot_be_read_has_a_reason(tmp_path, name):
    record, kind, _, refused, reason = SAMPLES[name]
    report = try_file(write(tmp_path / "a.txt", record, refused), clock=CLOCK)
    assert (dict(report.kinds), dict(report.refused)) == ({kind: 1}, {reason: 1})
    assert report.examples[0].line == 2


JUNK = st.sampled_from(
    [None, "", 7, -1.5, True, [], {}, [None], ["x"], {"x": 1}, "\x00", [[]], [{"role": 1}]]
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_wrong_types_anywhere_are_refused_or_read_and_never_stop_it(name, data):
    """One field anywhere in a record is replaced or removed: every result is a record or a known reason."""
    record = copy.deepcopy(SAMPLES[name][0])
    places = list(list_places(record))
    holder, key = data.draw(st.sampled_from(places))
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(JUNK)
    format = next(format for format in FORMATS if format.name == name)
    for other in FORMATS:
        assert other.recognise(record) in (True, False)
    for result in format.convert(record):
        code = getattr(result, "reason", "wrong_type:").partition(":")[0]
        assert code in REASONS or code in ("wrong_type", "missing_field")


def list_places(value):
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in list(entries):
        yield value, key
        yield from list_places(inner)


def test_the_most_frequent_format_of_a_file_counts():
    chats, ticket = [SAMPLES["OpenAI chat"][0]] * 3, SAMPLES["Zendesk tickets"][0]
    assert recognise_format([ticket, *chats]).name == "OpenAI chat"
    assert recognise_format([{"a": 1}]) is None


def test_parts_pictures_and_tools_stay_in_a_prompt(tmp_path):
    call = {"id": "1", "type": "function", "function": {"name": "track", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": "data:..."}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "a parcel", "tool_call_id": "1"},
    ]
    record = {"input": {"messages": messages}, "preferred_output": [GOOD], "non_preferred_output": [BAD]}
    report = try_file(write(tmp_path / "a.jsonl", record), clock=CLOCK)
    assert report.shown[0]["record"]["prompt"] == [
        {"role": "user", "content": "What is this?\n[picture]"},
        {"role": "assistant", "content": '{"arguments": "{}", "name": "track"}'},
        {"role": "tool", "content": "a parcel"},
    ]


def test_own_records_take_null_contents_and_numbers_as_ids(tmp_path):
    prompt = [{"role": "assistant", "content": None}, ASKED]
    record = {"id": 3, "group": 9, "prompt": prompt, "chosen": [GOOD], "rejected": [BAD], "at": NOON}
    report = try_file(write(tmp_path / "a.jsonl", record), clock=CLOCK)
    made = report.shown[0]["record"]
    assert (made["id"], made["group"], made["at"]) == ("3", "9", "2025-11-20T12:00:00Z")
    assert made["prompt"][0] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize(
    "written",
    [
        NOON,
        float(NOON),
        NOON * 1000,
        NOON * 1_000_000,
        str(NOON),
        "2025-11-20T12:00:00Z",
        "2025-11-20 13:00:00+01:00",
        "2025-11-20 12:00:00",
        "2025-11-20 12:00:00 UTC",
        "2025/11/20 12:00",
        "2025年11月20日 12:00",
        "20.11.2025 12:00",
        "11/20/2025 12:00:00",
        "Thu, 20 Nov 2025 12:00:00 +0000",
    ],
)
def test_many_forms_of_one_time(written):
    assert read_time(written) == datetime(2025, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["03/04/2025", "soon", "", True, 1e30, [], "2025-13-45", "Thu, yesterday"]
)
def test_what_is_no_time_or_could_be_two_days_is_refused(written):
    with pytest.raises(FieldFault, match="bad_time"):
        read_time(written)


def test_a_time_in_the_future_is_a_fault_of_its_line(tmp_path):
    own = SAMPLES["our own choices"][0]
    lines = [own | {"at": "2026-11-23T08:00:00Z"}, own | {"id": 5, "at": "2026-11-24T09:00:01Z"}]
    report = try_file(write(tmp_path / "a.jsonl", *lines), clock=CLOCK)  # now: 2026-11-22 09:00
    assert (report.accepted, dict(report.refused)) == (1, {"future_time": 1})
    ticket = SAMPLES["Chatwoot conversations"][0]
    late = ticket | {"messages": [message | {"created_at": 4_000_000_000} for message in ticket["messages"]]}
    assert dict(try_file(write(tmp_path / "b.jsonl", late), clock=CLOCK).refused) == {"future_time": 1}


CSV = """Ticket,Who,Said,Sent
t1,Customer,Where is it?,2025-11-20 12:00
t2,Customer,Hello?,2025-11-20 12:00
t1,Agent,"It left, today.",2025-11-20 12:01
t1,System,closed,2025-11-20 12:02
t3,Wizard,Hm,2025-11-20 12:03
,Customer,Lost,2025-11-20 12:04
"""


def test_rows_of_one_conversation_are_gathered_wherever_they_stand(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(CSV)
    columns = {"conversation": "Ticket", "role": "Who", "text": "Said", "at": "Sent"}
    report = try_file(path, clock=CLOCK, asked=Asked(columns=columns))
    assert (report.accepted, report.messages) == (2, 3)
    assert dict(report.refused) == {"missing_field:conversation": 1, "unknown_role": 1}
    assert [shown["id"] for shown in report.shown] == ["t1", "t2"]
    assert [turn["text"] for turn in report.shown[0]["record"]["turns"]] == [
        "Where is it?",
        "It left, today.",
    ]


def test_a_mapping_reads_pairs_from_a_table_too(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("Frage\tBesser\tSchlechter\nWo?\tHier vorne.\tKeine Ahnung.\n")
    columns = {"prompt": "Frage", "chosen": "Besser", "rejected": "Schlechter"}
    report = try_file(path, clock=CLOCK, asked=Asked(columns=columns))
    assert dict(report.kinds) == {"pairs": 1}


def test_a_mapped_column_that_the_table_lacks_is_named_with_those_it_has(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(CSV)
    with pytest.raises(ColumnsMissing, match=r"no column 'Body'; it has 'Ticket', 'Who', 'Said', 'Sent'"):
        try_file(path, clock=CLOCK, asked=Asked(columns={"text": "Body", "role": "Who"}))
