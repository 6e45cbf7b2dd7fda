"""Lines of a file: every fault is one refused line, and memory holds one line."""

import gzip
import json

import pytest

from feedback.formats.jsonl import iterate_lines
from feedback.records.rejections import REASONS, Refusal
from tests.feedback.formats.files import write


def reasons(path, **options):
    opened = gzip.open(path) if path.suffix == ".gz" else path.open("rb")
    with opened as stream:
        return [
            (line.number, line.content.reason if isinstance(line.content, Refusal) else line.content)
            for line in iterate_lines(stream, **options)
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
        (b'{"a": "\xff"}', "wrong_encoding"),
        (b'{"a": "\xed\xa0\x80"}', "wrong_encoding"),
        ('{"a": "ü"}'.encode("latin-1"), "wrong_encoding"),
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
