"""/openapi.json documents every call under /v1, and what it says is what the service does."""

import json
import re

import pytest

from feedback.api.openapi import PARAMETER, list_routes


@pytest.fixture
def document(sqlite_desk):
    answer = sqlite_desk.get("/openapi.json", None)
    assert answer.status_code == 200
    return answer.json


def test_every_call_under_v1_is_documented(sqlite_desk, document):
    served = {
        (PARAMETER.sub(r"{\1}", rule.rule), method.lower())
        for rule in sqlite_desk.app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {(path, method) for path, calls in document["paths"].items() for method in calls}
    assert documented == served and len(served) >= 17
    assert all(call["summary"] for calls in document["paths"].values() for call in calls.values())


def test_every_reference_leads_somewhere(document):
    references = set(re.findall(r'"\$ref": ?"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references and references <= set(document["components"]["schemas"])


def test_path_parameters_are_those_of_the_path(document):
    for path, calls in document["paths"].items():
        for call in calls.values():
            named = [part["name"] for part in call["parameters"] if part["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


def test_bodies_take_no_unknown_field_and_those_of_posts_carry_an_event_id(sqlite_desk, document):
    writes = [route for route in list_routes(sqlite_desk.app) if route.body is not None]
    assert len(writes) >= 10
    for route in writes:
        for body in (route.body, *route.own.values()):
            schema = document["components"]["schemas"][body.__name__]
            assert schema["additionalProperties"] is False
            assert ("event_id" in schema.get("required", ())) == (route.method == "POST")


def test_a_call_with_several_bodies_documents_each_with_its_roles(document):
    call = document["paths"]["/v1/conversations/{conversation_id}/messages"]["post"]
    schema = call["requestBody"]["content"]["application/json"]["schema"]
    names = [part["$ref"].split("/")[-1] for part in schema["anyOf"]]
    assert names == ["NewMessage", "WrittenMessage", "WrittenAnswer"]
    told = "app, admin: NewMessage; visitor: WrittenMessage; agent: WrittenAnswer."
    assert told in call["requestBody"]["description"]


def test_names_of_shapes_are_unique(sqlite_desk):
    shapes = {
        shape
        for route in list_routes(sqlite_desk.app)
        for shape in (route.body, *route.own.values(), route.answer)
        if shape
    }
    names = [shape if isinstance(shape, str) else shape.__name__ for shape in shapes]
    assert len(names) == len(set(names))
