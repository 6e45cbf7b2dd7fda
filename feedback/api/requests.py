"""Reads a request's body and parameters; every error gets a code before any view runs."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError

from feedback.errors import ApiError, BodyInvalid, BodyTooLarge, BodyUnreadable, NotFound
from feedback.records.text import check_storable
from serving.faults import say_faults

B = TypeVar("B", bound=BaseModel)

ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
FREE_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}\Z")
MAX_FAULTS = 8


class ContentTypeWrong(ApiError):
    def __init__(self, content_type: str) -> None:
        super().__init__(
            415,
            "content_type_wrong",
            f"The content type {content_type or '(none)'!r} is not JSON.",
            "Send `Content-Type: application/json`.",
        )


def read_json() -> dict[str, Any]:
    """The request's body, which must be one JSON object."""
    if request.mimetype != "application/json":
        raise ContentTypeWrong(request.mimetype)
    data, limit = request.get_data(), request.max_content_length
    if request.content_length is None and limit is not None and len(data) >= limit:
        raise BodyTooLarge(limit)  # a chunked body would be cut at the limit without an error
    try:
        body = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BodyUnreadable(f"invalid UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise BodyUnreadable("nested too deeply") from error
    except ValueError as error:
        raise BodyUnreadable(str(error)[:200]) from error
    if not isinstance(body, dict):
        raise BodyInvalid(["it must be one JSON object"])
    check_storable(body, "body")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def check_body(shape: type[B], body: Mapping[str, Any]) -> B:
    return _check(shape, body, "body")


def read_request_query(shape: type[B]) -> B:
    """The query parameters. A repeated one is refused, since it would be unclear which value counts."""
    values = {key: request.args.getlist(key) for key in request.args}
    repeated = sorted(key for key, given in values.items() if len(given) > 1)
    if repeated:
        raise BodyInvalid([f"{key[:50]} is given twice" for key in repeated[:MAX_FAULTS]], where="query")
    given = {key: listed[0] for key, listed in values.items()}
    check_storable(given, "query")
    return _check(shape, given, "query")


def _check(shape: type[B], given: Mapping[str, Any], where: str) -> B:
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        raise BodyInvalid(say_faults(error)[:MAX_FAULTS], where=where) from error


def check_ids(arguments: Mapping[str, Any]) -> None:
    """Refuses an id in the path that is not a plain word, with 404. Sources, and programs that label, are
    called as people call them.
    """
    for name, value in arguments.items():
        form = FREE_NAME if name in ("source", "labeller") else ID
        if isinstance(value, str) and not form.match(value):
            raise NotFound(name.removesuffix("_id"), value[:128].encode("ascii", "backslashreplace").decode())
