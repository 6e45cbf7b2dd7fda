"""In which encoding a text is, told from its bytes, and what of it is refused."""

import io

import pytest

from feedback.formats.encodings import find_encoding, open_utf8
from feedback.formats.jsonl import iterate_lines

ENGLISH, GERMAN = '{"a": "Where is my order?"}\n', '{"a": "Größe für Käse, naïve café"}\n'
CHINESE = '{"a": "您好，我想问一下我的订单什么时候发货？"}\n'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ENGLISH.encode(), "utf-8"),
        (b"", "utf-8"),
        (CHINESE.encode(), "utf-8"),
        (CHINESE.encode("utf-8-sig"), "utf-8"),
        (CHINESE.encode("utf-16"), "utf-16-le"),
        (CHINESE.encode("utf-16-be"), "utf-16-be"),
        (ENGLISH.encode("utf-16-le"), "utf-16-le"),
        (ENGLISH.encode("utf-32"), "utf-32-le"),
        (CHINESE.encode("gb18030"), "gb18030"),
        (CHINESE.encode("gb18030")[:-5], "gb18030"),
        (GERMAN.encode("windows-1252"), "windows-1252"),
        ('{"a": "Ã©tude"}'.encode("windows-1252"), "utf-8"),  # which is a UTF-8 é
        (CHINESE.encode()[:21], "utf-8"),  # cut in the middle of a character
        (CHINESE.encode() * 3 + b'{"a": "\xff"}\n', "utf-8"),
    ],
)
def test_the_encoding_of_a_text(written, expected):
    assert find_encoding(io.BytesIO(written)) == expected


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030"])
def test_a_text_reads_the_same_in_every_encoding(name):
    written = (CHINESE * 5000).encode(name)
    stream = io.BytesIO(written)
    encoding = find_encoding(stream)
    stream.seek(0)
    lines = list(iterate_lines(open_utf8(stream, encoding)))
    assert len(lines) == 5000
    assert {line.content["a"] for line in lines} == {"您好，我想问一下我的订单什么时候发货？"}


def test_what_an_encoding_does_not_know_refuses_its_line_alone():
    written = b'{"a": "caf\xe9"}\n{"a": "\x81"}\n{"a": "b"}\n'
    lines = list(iterate_lines(open_utf8(io.BytesIO(written), "windows-1252")))
    assert lines[0].content == {"a": "café"} and lines[2].content == {"a": "b"}
    assert lines[1].content.reason == "wrong_encoding"


def test_a_damaged_place_in_utf_8_refuses_its_line_alone():
    written = CHINESE.encode() + b'{"a": "\xff"}\n' + CHINESE.encode()
    stream = io.BytesIO(written)
    assert find_encoding(stream) == "utf-8"
    stream.seek(0)
    contents = [line.content for line in iterate_lines(open_utf8(stream, "utf-8"))]
    assert contents[0] == contents[2] and contents[1].reason == "wrong_encoding"
