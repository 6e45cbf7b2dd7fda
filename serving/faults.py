"""Describes in words what pydantic finds wrong in files and settings, in one way for all of them."""

import difflib
import json
from collections.abc import Callable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from serving.errors import Fault

MAX_PLACE = 50  # characters of each part of a name, which a stranger may have made up


def say_faults(error: ValidationError) -> list[str]:
    """One line for each fault: where it is and what is wrong there."""
    return [say_fault(fault) for fault in error.errors()]


def say_fault(fault: ErrorDetails) -> str:
    place = name_place(fault)
    return f"{place}: {say_limit(fault)}" if place else say_limit(fault)


def list_faults(
    error: ValidationError, shape: type[BaseModel], find_origin: Callable[[str], str]
) -> list[Fault]:
    """Each fault with its value and its remedy. `find_origin` says where a top-level key was written."""
    return [found for fault in error.errors() for found in _read(fault, shape, find_origin)]


def name_place(fault: ErrorDetails) -> str:
    return ".".join(str(part)[:MAX_PLACE] for part in fault["loc"])


def say_limit(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")


def _read(fault: ErrorDetails, shape: type[BaseModel], find_origin: Callable[[str], str]) -> list[Fault]:
    """The faults of one pydantic error: one, or one for each line if a check of all values together lists
    several.
    """
    if not fault["loc"]:
        lines = say_limit(fault).splitlines()
        return [Fault("together", "see there", line, "Change one of them.") for line in lines]
    top = str(fault["loc"][0])
    field = shape.model_fields.get(top)
    is_secret = field is not None and "Secret" in str(field.annotation)
    value = "(secret)" if is_secret else json.dumps(fault["input"], default=str, ensure_ascii=False)
    if fault["type"] == "extra_forbidden":
        return [Fault(name_place(fault), value, "there is no such key", _suggest(fault, shape))]
    return [Fault(name_place(fault), value, say_limit(fault), f"Change it in {find_origin(top)}.")]


def _suggest(fault: ErrorDetails, shape: type[BaseModel]) -> str:
    *above, unknown = map(str, fault["loc"])
    for part in above:
        if part in shape.model_fields:  # else it is a place in a list, or a name in a table of names
            shape = _find_shape(shape.model_fields[part].annotation)
    near = difflib.get_close_matches(unknown, shape.model_fields, n=1)
    return f"Did you mean {near[0]}?" if near else f"Remove it; known are {', '.join(shape.model_fields)}."


def _find_shape(annotation: Any) -> type[BaseModel]:
    """The table that a field holds, alone, in a list or under names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    [found] = [
        each for each in get_args(annotation) if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    return found
