"""What an export form is: which kinds of our records it holds, which of their fields, and how its file is
written.

What a form does not hold is never dropped in silence: `ExportReport` counts it by its name.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from feedback.canonical import canonical_json
from feedback.exports.columns import Columns
from feedback.formats.jsonl import Body
from feedback.records.schemas import FORMS, ChatMessage, Form, OfferedReply, SpokenTurn

KINDS = tuple(FORMS)
BLOCK = 64 * 1024
INNER: dict[str, type[Form]] = {
    **dict.fromkeys(("prompt", "chosen", "rejected", "completion"), ChatMessage),
    "candidates": OfferedReply,
    "turns": SpokenTurn,
}
ADDED = {"choices": {"split"}, "pairs": {"split", "kind"}, "thumbs": {"split"}}  # by a dataset


class Conversion(NamedTuple):
    """A record in another form; None where that form cannot hold it. `losses`: codes of what it lost."""

    body: Body | None
    losses: Collection[str] = ()


def list_fields(kind: str) -> frozenset[str]:
    """Every field of a kind, those inside an object after a dot."""
    names = set(FORMS[kind].model_fields) | ADDED.get(kind, set())
    inner = {f"{name}.{key}" for name in names & INNER.keys() for key in INNER[name].model_fields}
    return frozenset(names | inner)


FIELDS = {kind: list_fields(kind) for kind in KINDS}
OPEN = {"chat_template_kwargs", "meta"}  # whatever is in them is held where they are


@dataclass(frozen=True)
class KindShape:
    """How a form stores records of one kind. `holds` names the fields that it keeps; None means every field,
    also those that are not ours.
    """

    convert: Callable[[Body], Conversion]
    holds: frozenset[str] | None

    def is_held(self, name: str) -> bool:
        return self.holds is None or name in self.holds or name.partition(".")[0] in self.holds & OPEN


@dataclass(frozen=True)
class ExportForm:
    """A form of files. One without choices has the pairs that follow from them. `write` makes the bytes of
    the lines; with `is_even` every line has every column. `list_beside` makes the files that stand beside
    those of records, from the kinds that were written.
    """

    name: str
    ending: str
    media_type: str
    shapes: Mapping[str, KindShape]
    write: Callable[[Iterator[Body], Columns], Iterator[bytes]]
    is_even: bool = True
    list_beside: Callable[[Iterable[str]], dict[str, bytes]] = field(default=lambda kinds: {})

    def name_file(self, kind: str) -> str:
        return f"{kind}.{self.ending}"


def write_lines(bodies: Iterator[Body], columns: Columns) -> Iterator[bytes]:
    return join_blocks(f"{canonical_json(body)}\n".encode() for body in bodies)


def join_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks that are worth sending."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
