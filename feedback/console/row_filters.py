"""Parses and checks the query parameters of the list of conversations. A value without a meaning is refused,
and the error names it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError

from feedback.api.schemas import Id, Language, Query, Since, TagPath, Time, Until
from feedback.errors import FilterUnknown
from feedback.store.row_facts import Key
from feedback.store.row_selection import CARDS, RowSelection

MOST_WORDS = 8


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def _read_key(text: Any) -> Any:
    at, _, id = str(text).partition("~")
    if not id:
        raise ValueError("is no place in the list")
    return datetime.fromisoformat(at), id


Line = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_storable)]
Name = Annotated[Id, AfterValidator(_storable)]
Place = Annotated[tuple[Time, Name], BeforeValidator(_read_key)]


class RowQuery(Query):
    """The query parameters of the page; an empty one counts as not given."""

    q: Line = ""
    language: Language | None = None
    tag: Annotated[TagPath, AfterValidator(_storable)] | None = None
    state: Literal["waiting", "answered", "closed", "erased"] | None = None
    since: Since | None = None
    until: Until | None = None
    verdict: (
        Literal["judged", "standing", "choice", "paired", "pick", "edit", "own", "tie", "none", "skip"]
        | Literal[
            "counted", "base", "tuned", "both", "won", "lost", "up", "down", "taken_back", "spam", "no_reply"
        ]
        | None
    ) = None
    settled: Literal["pick", "edit", "own", "tie"] | None = None
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None
    arm: Literal["base", "tuned", "both"] | None = None
    version: Name | None = None
    beside: Name | None = None
    agent: Name | None = None
    slot: Annotated[int, Field(ge=0, lt=CARDS)] | None = None
    messages: Literal["customer", "agent"] | None = None
    sets: Literal["preparing", "ready", "judged", "failed", "superseded", "bypassed"] | None = None
    after: Place | None = None

    def select(self) -> RowSelection:
        asked = self.model_dump(exclude={"q", "after"})
        return RowSelection(words=tuple(dict.fromkeys(self.q.split()))[:MOST_WORDS], **asked)


def read_query(given: Mapping[str, str]) -> RowQuery:
    """Parses the query parameters. Raises FilterUnknown."""
    asked = {name: value for name, value in given.items() if value.strip()}
    try:
        return RowQuery.model_validate(asked)
    except ValidationError as error:
        names = {str(fault["loc"][0]) for fault in error.errors(include_input=False, include_url=False)}
        raise FilterUnknown({name: asked[name] for name in sorted(names)}) from None


def show_key(key: Key) -> str:
    return f"{key[0].isoformat()}~{key[1]}"
