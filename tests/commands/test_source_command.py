"""`rejoinder source`, and what `rejoinder import` says of a source that takes nothing."""

import json

from tests.feedback.formats.files import choice, write


def test_a_source_is_listed_paused_and_resumed_from_the_command_line(call, store, tmp_path):
    path = str(write(tmp_path / "a.jsonl", *(choice(number, source="ours") for number in range(30))))
    assert call("import", path).exit_code == 0
    assert call("source", "add", "ours", "--licence", "own data", "--kind", "expert").exit_code == 0
    listed = call("source", "list").output
    assert "ours  expert, active, 30 records, 0 refused, licence own data\n  grade B: 100 % of 30" in listed
    assert "live  own, active, 0 records, 0 refused\n" in listed
    paused = call("source", "state", "ours", "paused", "--reason", "texts are cut off")
    assert (paused.exit_code, "ours  expert, paused" in paused.output) == (0, True)
    assert call("source", "state", "ours", "paused", "--reason", "again").exit_code == 3
    refused = call("import", path, "--source", "ours")
    assert (refused.exit_code, "'ours' is paused" in refused.output) == (1, True)
    assert "rejoinder source state ours active --reason WHY" in refused.output
    assert call("import", path).exit_code == 1  # a file that names it itself
    assert call("source", "state", "ours", "active", "--reason", "mended").exit_code == 0
    assert call("import", path).exit_code == 3  # it is there already


def test_a_grade_is_given_with_a_reason_and_taken_back(call, store, tmp_path):
    call("source", "add", "ours")
    assert call("source", "grade", "ours", "C").exit_code == 2
    call("source", "grade", "ours", "C", "--reason", "12 of 50 were wrong")
    (shown,) = (each for each in list_json(call) if each["name"] == "ours")
    assert (shown["grade"]["grade"], shown["grade"]["computed"]) == ("C", None)
    call("source", "grade", "ours", "computed", "--reason", "of an older file")
    (shown,) = (each for each in list_json(call) if each["name"] == "ours")
    assert shown["grade"]["grade"] is None
    assert call("source", "state", "live", "paused", "--reason", "r").exit_code == 1


def list_json(call):
    return json.loads(call("source", "list", "--json").output)["sources"]
