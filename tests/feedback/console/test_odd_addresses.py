"""Characters that no store can keep are refused in the address of a page, whichever the database."""

import re


def test_no_page_fails_on_an_address_that_no_row_can_have(desk):
    rules = [rule for rule in desk.app.url_map.iter_rules() if rule.rule.startswith(("/console", "/label"))]
    paths = {
        re.sub("<[^>]+>", "%00", rule.rule) for rule in rules if "GET" in rule.methods and rule.arguments
    }
    assert "/console/tasks/%00" in paths and len(paths) > 10
    answers = {path: desk.get(path, "admin") for path in sorted(paths)}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 422} == {}


def test_no_filter_of_a_page_fails_on_it(desk):
    for query in (
        "/console/conversations?agent=%00",
        "/console/sources?q=%00",
        "/console/comments?tag=%00",
        "/console/conversations?after=2026~%00",
    ):
        answer = desk.get(query, "admin")
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "text_not_storable"), query
