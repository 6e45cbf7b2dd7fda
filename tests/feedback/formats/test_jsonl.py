"""Lines of a file: every fault is one refused line, and memory holds one line."""

import gzip
import json

import pytest

from feedback.formats.jsonl import read_lines
from feedback.records.rejections import REASONS, Refusal
from tests.feedback.formats.files import write


def reasons(path, **options):
    return [
        (line.number, line.content.reason if isinstance(line.content, Refusal) else line.content)
        for line in read_lines(path, **options)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1}\r', {"a": 1}),
        ('{"a": "äß中文\u2028"}'.encode(), {"a": "äß中文\u2028"}),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"7", "not_an_object"),
        (b'{"a": 1', "invalid_json"),
        (b'{"a": 1} {"b": 2}', "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b"\x00", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_utf8"),
        ('{"a": "ü"}'.encode("latin-1"), "invalid_utf8"),
        (b'{"a": NaN}', "not_a_number"),
        (b'{"a": [-Infinity]}', "not_a_number"),
        (b'{"a": 1e999}', "not_a_number"),
        (b'{"a": "\\u0000"}', "not_storable"),
        (b'{"a": ["\\ud800"]}', "not_storable"),
        (b'{"\\udfff": 1}', "not_storable"),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    ],
)
def test_a_line_is_an_object_or_a_reason(tmp_path, line, expected):
    assert reasons(write(tmp_path / "a.jsonl", line)) == [(1, expected)]
    assert not isinstance(expected, str) or expected in REASONS


def test_blank_lines_are_passed_over_and_numbers_kept(tmp_path):
    path = write(tmp_path / "a.jsonl", "", "  ", {"a": 1}, "\r", "x", {"b": 2})
    assert reasons(path) == [(3, {"a": 1}), (5, "invalid_json"), (6, {"b": 2})]


def test_the_last_line_needs_no_line_feed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b": 2}')
    assert reasons(path) == [(1, {"a": 1}), (2, {"b": 2})]


def test_an_empty_file_has_no_lines(tmp_path):
    assert reasons(write(tmp_path / "a.jsonl")) == []
    assert reasons(write(tmp_path / "a.jsonl.gz")) == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_line_over_the_limit_is_refused_and_the_next_is_read(tmp_path, name):
    long = json.dumps({"a": "x" * 5000})
    exact = '{"a": "%s"}' % ("y" * 91)
    path = write(tmp_path / name, long, {"b": 2}, exact, exact + " ")
    assert len(exact) == 100
    assert reasons(path, max_line_bytes=100) == [
        (1, "line_too_long"),
        (2, {"b": 2}),
        (3, {"a": "y" * 91}),
        (4, "line_too_long"),  # one byte more
    ]


def test_a_gzip_cut_short_gives_its_whole_lines_and_a_reason(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    packed = gzip.compress(b"".join(b'{"a": %d}\n' % n for n in range(3)), compresslevel=0)
    path.write_bytes(packed[:-8])
    assert reasons(path)[:3] == [(1, {"a": 0}), (2, {"a": 1}), (3, {"a": 2})]
    assert reasons(path)[-1] == (4, "broken_gzip")


def test_plain_text_under_a_gzip_name_is_a_reason(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b'{"a": 1}\n')
    assert reasons(path) == [(1, "broken_gzip")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_progress_ends_at_the_size_of_the_file(tmp_path, name):
    path = write(tmp_path / name, *({"a": number} for number in range(1000)))
    seen = []
    assert len(reasons(path, on_bytes=seen.append)) == 1000
    assert seen == sorted(seen) and seen[-1] == path.stat().st_size and len(seen) >= 5
