"""How somebody wants a file read, where its content does not decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from feedback.formats.errors import EncodingUnknown, ImportKindUnknown, SourceReserved
from feedback.formats.own import OWN
from feedback.records.from_judgement import OWN_SOURCES


@dataclass(frozen=True)
class Asked:
    """`source` replaces the source that the records name; `columns` says which column of a CSV file is which
    of ours.
    """

    kind: str | None = None
    source: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raises ImportKindUnknown, SourceReserved or EncodingUnknown."""
        if self.kind is not None and self.kind not in OWN:
            raise ImportKindUnknown(self.kind, OWN)
        if self.source in OWN_SOURCES:
            raise SourceReserved(self.source)
        if self.encoding is not None and not is_text_encoding(self.encoding):
            raise EncodingUnknown(self.encoding)


def is_text_encoding(name: str) -> bool:
    try:
        return isinstance("x".encode(name), bytes)  # an empty text is encoded by any name
    except LookupError:
        return False
