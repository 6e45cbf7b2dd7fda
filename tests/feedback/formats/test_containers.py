"""What holds the records: gzip, zip, folders, arrays, wrappers, CSV and tables, known by content."""

import gzip
import io
import json
import zipfile

import pytest
from datasets import Dataset, DatasetDict

from feedback.formats.containers import FilePart, list_parts
from feedback.formats.entries import find_form, read_entries
from feedback.records.rejections import REASONS, Refusal
from tests.feedback.formats.files import write

RECORDS = [{"id": number, "text": f"订单 {number}"} for number in range(3)]


def read_all(path, encoding=None):
    """The form and the contents of every part."""
    found = []
    for part in list_parts(path):
        holder = find_form(part, encoding)
        lines = list(read_entries(part, holder))
        contents = [
            line.content.reason if isinstance(line.content, Refusal) else line.content for line in lines
        ]
        assert all(content in REASONS for content in contents if isinstance(content, str))
        found.append((holder.form, contents))
    return found


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def array_of(records, **options):
    return json.dumps(records, ensure_ascii=False, **options).encode()


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (lines_of(RECORDS), "JSON lines"),
        (array_of(RECORDS), "JSON array"),
        (array_of(RECORDS, indent=2), "JSON array"),
        (array_of({"tickets": RECORDS, "count": 3}), "JSON array"),
        (array_of({"data": {"meta": {"all": 3}, "payload": RECORDS}}, indent=1), "JSON array"),
        (array_of({"type": "conversation.list", "conversations": RECORDS}), "JSON array"),
        (array_of(RECORDS).decode().encode("utf-16"), "JSON array"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_same_records_come_out_of_every_form(tmp_path, content, form, packed):
    path = tmp_path / "renamed.bin"  # the name says nothing
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_all(path) == [(form, RECORDS)]


def test_one_record_alone_is_no_list_of_its_messages(tmp_path):
    record = {"conversations": [{"from": "human", "value": "Hi"}], "chosen": {"from": "gpt", "value": "Yes"}}
    for indent in (None, 2):
        path = tmp_path / f"{indent}.json"
        path.write_bytes(array_of(record, indent=indent))
        assert read_all(path) == [("JSON object", [record])]


def test_an_array_on_one_line_is_no_line_that_is_too_long(tmp_path, monkeypatch):
    monkeypatch.setattr("feedback.formats.entries.MAX_LINE_BYTES", 40)
    path = tmp_path / "a.json"
    path.write_bytes(array_of(RECORDS))
    assert read_all(path) == [("JSON array", RECORDS)]
    path.write_bytes(array_of({"tickets": RECORDS}))
    assert read_all(path) == [("JSON array", RECORDS)]
    path.write_bytes(array_of({"a": "x" * 40}))
    assert read_all(path) == [("JSON object", ["line_too_long"])]


def test_a_line_that_is_an_array_is_one_bad_line(tmp_path):
    path = write(tmp_path / "a.jsonl", [1, 2], *RECORDS)
    assert read_all(path) == [("JSON lines", ["not_an_object", *RECORDS])]


def test_a_zip_and_a_folder_give_their_files_in_order(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    write(folder / "b.jsonl", *RECORDS)
    (folder / "a.json").write_bytes(array_of(RECORDS[:1]))
    (folder / "README.md").write_text("not data")
    (folder / ".hidden.json").write_text("[]")
    expected = [("JSON array", RECORDS[:1]), ("JSON lines", RECORDS)]
    assert read_all(folder) == expected
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"folder/{file.name}")
        archive.writestr("__MACOSX/a.json", "[]")
    assert read_all(packed) == expected


def test_saved_datasets_and_parquet_give_their_rows(tmp_path):
    rows = [{"id": 1, "messages": [{"role": "user", "content": "Hi"}]}, {"id": 2, "messages": []}]
    data = Dataset.from_list([*rows, {"id": None, "messages": None}])
    expected = [*rows, {}]  # null cells are left out
    data.save_to_disk(tmp_path / "saved")
    DatasetDict({"test": data.select([0]), "train": data}).save_to_disk(tmp_path / "splits")
    data.to_parquet(tmp_path / "rows.parquet")
    assert read_all(tmp_path / "saved") == [("table", expected)]
    assert read_all(tmp_path / "splits") == [("table", rows[:1]), ("table", expected)]
    assert read_all(tmp_path / "rows.parquet") == [("table", expected)]


def test_csv_is_read_by_its_header_and_bad_rows_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffid;text\r\n1;"two\r\nlines; and a mark"\r\n2\r\n3;c;d\r\n;\r\n4;d\r\n'.encode())
    assert read_all(path) == [
        (
            "CSV",
            [
                {"id": "1", "text": "two\r\nlines; and a mark"},
                "broken_row",
                "broken_row",
                {"id": "4", "text": "d"},
            ],
        )
    ]


def test_a_csv_cut_off_inside_quotes_does_not_give_half_a_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,a\n2,"half a te')
    assert read_all(path) == [("CSV", [{"id": "1", "text": "a"}, "broken_row"])]


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_is_cut_off_gives_what_is_whole(tmp_path, wrapped):
    content = array_of({"tickets": RECORDS} if wrapped else RECORDS)
    path = tmp_path / "a.json"
    path.write_bytes(content[:-12])
    assert read_all(path) == [("JSON array", [*RECORDS[:2], "broken_json"])]


def test_a_gzip_cut_short_gives_its_whole_lines_and_a_reason(tmp_path):
    packed = gzip.compress(b"".join(b'{"a": %d}\n' % n for n in range(3)), compresslevel=0)
    path = tmp_path / "a.jsonl"
    path.write_bytes(packed[:-8])
    assert read_all(path, "utf-8") == [("JSON lines", [{"a": 0}, {"a": 1}, {"a": 2}, "broken_archive"])]
    path.write_bytes(packed[:12] + b"\xff" * 40)
    assert read_all(path) == [("JSON lines", ["broken_archive"])]


def test_plain_text_under_a_gzip_name_is_read_as_what_it_is(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b'{"a": 1}\n')
    assert read_all(path)[0][1] == [{"a": 1}]


def test_a_damaged_table_is_a_reason(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + b"\x00" * 50)
    assert read_all(path) == [("table", ["broken_table"])]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_progress_ends_at_the_size_of_the_file(tmp_path, name):
    path = write(tmp_path / name, *({"a": number} for number in range(1000)))
    seen = []
    part = FilePart(path)
    assert len(list(read_entries(part, find_form(part), on_bytes=seen.append))) == 1000
    assert seen == sorted(seen) and seen[-1] == path.stat().st_size and len(seen) >= 5


def test_a_part_can_be_read_again(tmp_path):
    part = FilePart(write(tmp_path / "a.jsonl", *RECORDS))
    holder = find_form(part)
    assert list(read_entries(part, holder)) == list(read_entries(part, holder))
    with part.open() as (stream, _):
        assert isinstance(stream, io.BufferedReader)


def test_a_zip_cut_short_is_a_reason(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jsonl", lines_of(RECORDS))
    path.write_bytes(path.read_bytes()[:-30])
    assert read_all(path) == [("JSON lines", ["broken_archive"])]
