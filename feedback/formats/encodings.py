"""Finds out in which encoding a text was written, from all of its bytes, and rewrites it as UTF-8.

In order: a byte order mark; the zeros of UTF-16; strict UTF-8; strict GB18030 if most of its Chinese
characters are common ones; else Windows-1252. A UTF-8 text with a few damaged places stays UTF-8, and its
damaged lines are refused. Memory holds one piece of the file.
"""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from feedback.formats.containers import peek

PIECE = 64 * 1024
FALLBACK = "windows-1252"
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
COMMON_SHARE = 0.6  # of the Chinese characters of a Chinese text, those of GB 2312's first level: nearly all
ZERO_SHARE = 0.15  # of one half of UTF-16's byte pairs: ASCII marks and line feeds have them in any language
LOST = "\udcff"  # stands for a byte that the encoding does not know; as UTF-8 it makes its line refused


def find_encoding(stream: BinaryIO) -> str:
    """The encoding of a whole stream. What ends in the middle of a character still counts as its encoding."""
    head = stream.read(PIECE)
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    zeros = find_zeros(head)
    if zeros is not None:
        return zeros
    if is_strict(stream, "utf-8", head):
        return "utf-8"
    stream.seek(0)
    utf8, chinese = Utf8Count(), ChineseCount()
    for piece in iterate_pieces(stream, stream.read(PIECE)):
        utf8.take(piece)
        chinese.take(piece)
    if utf8.right > utf8.wrong:
        return "utf-8"
    return "gb18030" if chinese.is_likely else FALLBACK


def is_strict(stream: BinaryIO, encoding: str, head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in iterate_pieces(stream, head):
            decoder.decode(piece)
    except UnicodeDecodeError:
        return False
    return True


def iterate_pieces(stream: BinaryIO, head: bytes) -> Iterator[bytes]:
    while head:
        yield head
        head = stream.read(PIECE)


def find_zeros(head: bytes) -> str | None:
    """UTF-16 without a mark: every character of ASCII has its zero in the same half of a pair."""
    pairs = len(head) // 2
    even, odd = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if max(even, odd) < max(1, ZERO_SHARE * pairs) or min(even, odd) * 3 > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


class Utf8Count:
    """Counts the characters over one byte that are whole UTF-8, and the places that are not UTF-8."""

    def __init__(self) -> None:
        self.right = self.wrong = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def take(self, piece: bytes) -> None:
        text = self._decoder.decode(piece)
        if text.isascii():
            return
        wrong = sum(1 for sign in text if "\udc80" <= sign <= "\udcff")
        self.wrong += wrong
        self.right += sum(1 for sign in text if sign > "\x7f") - wrong


class ChineseCount:
    """Counts the common ones among the characters that strict GB18030 makes of the bytes."""

    def __init__(self) -> None:
        self.common = self.others = 0
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("gb18030")()

    def take(self, piece: bytes) -> None:
        if self._decoder is None:
            return
        try:
            text = self._decoder.decode(piece)
        except UnicodeDecodeError:
            self._decoder = None
            return
        signs = [sign for sign in text if sign > "\x7f" and not is_punctuation(sign)]
        common = sum(map(is_common, signs))
        self.common += common
        self.others += len(signs) - common

    @property
    def is_likely(self) -> bool:
        total = self.common + self.others
        return self._decoder is not None and total > 0 and self.common >= COMMON_SHARE * total


def is_common(sign: str) -> bool:
    """Whether it is one of the 3,755 most used characters: GB 2312 begins with them, in order of sound."""
    try:
        return 0xB0 <= sign.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def is_punctuation(sign: str) -> bool:
    return "\u2000" <= sign <= "\u206f" or "\u3000" <= sign <= "\u303f" or "\uff00" <= sign <= "\uffef"


def open_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The text as UTF-8 without a byte order mark. A byte that the encoding does not know becomes one that
    is not UTF-8, so that its line is refused.
    """
    if codecs.lookup(encoding).name != "utf-8":
        return io.BufferedReader(Recoded(stream, encoding), PIECE)  # type: ignore[type-var]
    if peek(stream, len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
        stream.read(len(codecs.BOM_UTF8))
    return stream


class Recoded(io.RawIOBase):
    """Reads one encoding and gives UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("lost_byte")
        self._ready = b""
        self._first = self._is_open = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._ready and self._is_open:
            piece = self._stream.read(PIECE)
            self._is_open = bool(piece)
            text = self._decoder.decode(piece, final=not piece)
            if self._first and text:
                text, self._first = text.removeprefix("\ufeff"), False
            self._ready = text.encode("utf-8", "surrogatepass")
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def _mark_lost(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return LOST, error.end


codecs.register_error("lost_byte", _mark_lost)
