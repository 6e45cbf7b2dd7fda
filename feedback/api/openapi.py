"""/openapi.json, generated from the declared routes: every call under /v1 must be declared.

Its version is 3.1, whose schemas are plain JSON Schema, so Pydantic's schemas can be used unchanged.
"""

import re
from typing import Any

from flask import Blueprint, Flask, current_app, jsonify
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.wrappers import Response as AnyResponse

from feedback.api.routes import Route

bp = Blueprint("openapi", __name__)

PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
        }
    },
}
COMMON_ERRORS = {
    "401": "No token, or a wrong one",
    "403": "The role may not do this",
    "404": "Something named in the path does not exist here",
    "422": "A field or parameter does not fit",
    "503": "The store is busy or full; nothing was written",
}
WRITE_ERRORS = {
    "400": "Unreadable body, or a failed CSRF check",
    "409": "The state does not allow it, or the event id is taken",
    "413": "The body is too large",
    "415": "The body is not JSON",
}


def list_routes(app: Flask) -> list[Route]:
    """Every declared call of the application."""
    found = [view.route for view in app.view_functions.values() if hasattr(view, "route")]
    return sorted(found, key=lambda route: (route.path, route.method))


def build_document(app: Flask) -> dict[str, Any]:
    routes = list_routes(app)
    shapes: list[tuple[type[BaseModel], Any]] = []
    for route in routes:
        shapes += [(body, "validation") for body in _list_bodies(route)]
        if not isinstance(route.answer, str):
            shapes.append((route.answer, "serialization"))
    references, definitions = models_json_schema(
        list(dict.fromkeys(shapes)), ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _describe(
            route, references
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rejoinder",
            "version": "1",
            "description": "Conversations, blind suggestions, judgements, thumbs, runs and adapters.",
        },
        "paths": paths,
        "security": [{"bearer": []}, {"session": []}],
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": ERROR_SCHEMA},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "rejoinder_session"},
            },
        },
    }


def _describe(route: Route, references: Any) -> dict[str, Any]:
    errors = COMMON_ERRORS | (WRITE_ERRORS if route.body else {})
    if isinstance(route.answer, str):
        content: dict[str, Any] = {route.answer: {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": references[(route.answer, "serialization")]}}
    described: dict[str, Any] = {
        "summary": route.summary,
        "description": f"Roles: {', '.join(route.roles)}; admin always.",
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {
            str(route.status): {"description": "Done", "content": content},
            **{status: _error(text) for status, text in errors.items()},
        },
    }
    if route.body is not None:
        described["requestBody"] = _describe_bodies(route, references)
    return described


def _list_bodies(route: Route) -> list[type[BaseModel]]:
    """The distinct bodies of a call; the body that most roles use comes first."""
    bodies = [route.body, *route.own.values()]
    return list(dict.fromkeys(body for body in bodies if body is not None))


def _describe_bodies(route: Route, references: Any) -> dict[str, Any]:
    """The request body, or for several bodies which role uses which."""
    bodies = _list_bodies(route)
    schemas = [references[(body, "validation")] for body in bodies]
    said = {"required": True, "content": {"application/json": {"schema": schemas[0]}}}
    if len(bodies) == 1:
        return said
    roles = {
        body: [role for role in (*route.roles, "admin") if route.body_of(role) is body] for body in bodies
    }
    told = "; ".join(f"{', '.join(roles[body])}: {body.__name__}" for body in bodies)
    return said | {
        "description": f"A body for each role, no other field is taken. {told}.",
        "content": {"application/json": {"schema": {"anyOf": schemas}}},
    }


def _error(text: str) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {"application/json": {"schema": reference}}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema()
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": part}
        for name, part in schema.get("properties", {}).items()
    ]


@bp.get("/openapi.json")
def show_document() -> AnyResponse:
    """The OpenAPI document of every call."""
    return jsonify(build_document(current_app))
