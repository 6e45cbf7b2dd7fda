"""Takes fields out of a record that somebody else wrote: each is there in its type, or the record is refused
with the field's name.
"""

from typing import Any, TypeVar

from feedback.records.rejections import Refusal

T = TypeVar("T")
TYPE_NAMES = {str: "text", dict: "object", list: "list", bool: "true or false"}


class FieldFault(Exception):
    """A record cannot be read; the format that reads it turns this into a refusal."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}")
        self.refusal = Refusal(reason, detail)


def find_field(body: Any, path: str, kind: type[T]) -> T | None:
    """The field at a path such as `data.item`; None if it, or one above it, is missing or null."""
    value = body
    for name in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise FieldFault(f"wrong_type:{path}", f"what should hold {name!r} is no object")
        value = value.get(name)
    if value is not None and not isinstance(value, kind):
        shown = f"{type(value).__name__} where {TYPE_NAMES.get(kind, kind.__name__)} belongs"
        raise FieldFault(f"wrong_type:{path}", shown)
    return value


def take_named(body: dict[str, Any], name: str, kind: type[T], *, place: str) -> T:
    """A field whose name is somebody's own, and may have a dot in it. `place` stands for it in a refusal."""
    return take_field({place: body.get(name)}, place, kind)


def take_field(body: Any, path: str, kind: type[T]) -> T:
    """The field at a path; a record without it is refused."""
    value = find_field(body, path, kind)
    if value is None:
        raise FieldFault(f"missing_field:{path}", f"the field {path!r} is missing")
    return value


def find_objects(body: Any, path: str) -> list[dict[str, Any]]:
    """The objects of a list; an absent list is empty."""
    values = find_field(body, path, list) or []
    if not all(isinstance(value, dict) for value in values):
        raise FieldFault(f"wrong_type:{path}", "an entry is no object")
    return values


def find_texts(body: Any, path: str) -> list[str]:
    """The texts of a list; an absent list is empty."""
    values = find_field(body, path, list) or []
    if not all(isinstance(value, str) for value in values):
        raise FieldFault(f"wrong_type:{path}", "an entry is no text")
    return values


def find_id(body: Any, path: str) -> str | None:
    """An id as text; tools write numbers, too."""
    value = find_field(body, path, object)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise FieldFault(f"wrong_type:{path}", f"{type(value).__name__} is no id")


def has_fields(body: Any, names: str) -> bool:
    """Whether all of these fields are there, null or not."""
    return isinstance(body, dict) and all(name in body for name in names.split())
