"""Whatever is refused is said to people in their language, without ids, and with what to do."""

import ast
import json
import re

import pytest

from feedback import translations
from feedback.errors import ApiError, Conflict
from feedback.web.error_pages import KNOWN
from feedback.web.refusals import GONE, HEADING, HEADINGS, SENTENCES, UNKNOWN, UNMET, find_sentence
from tests.feedback.desk import Desk, make_desk

ROOTS = {ApiError.__name__, Conflict.__name__}
MADE_UP = {"*_not_found": {GONE}, "*_invalid": {"body_invalid", "query_invalid"}, "code": set()}
ID = "7f3b8d0a-5c1e-4b7e-9a55-0c6d2f9e1b42"


def list_codes() -> set[str]:
    """The code of every error in feedback, read from the source."""
    found = {code for code, _message in KNOWN.values()} | {"request_refused"}
    made, built_on = set(), set()
    for path in translations.PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ROOTS:
                found.add(read_code(node))
            if not isinstance(node, ast.ClassDef):
                continue
            bases = {ast.unparse(base) for base in node.bases}
            built_on |= bases
            if bases & ROOTS and node.name not in ROOTS:
                made.add(node.name)
                found.add(read_code(find_init(node)))
    assert not made & built_on, "an error of an error: its code is not read here"
    codes: set[str] = set()
    for code in found:
        codes |= MADE_UP.get(code, {code})
    return codes


def find_init(node: ast.ClassDef) -> ast.Call:
    said = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
    (call,) = [call for call in said if ast.unparse(call.func) == "super().__init__"]
    return call


def read_code(call: ast.Call) -> str:
    """The first argument that is no status: a text, a text with a part that varies, or a name."""
    status_first = not isinstance(call.args[0], ast.Constant | ast.JoinedStr) or isinstance(
        getattr(call.args[0], "value", ""), int
    )
    given = call.args[1] if status_first else call.args[0]
    if isinstance(given, ast.JoinedStr):
        return "*" + ast.literal_eval(given.values[-1])
    return given.id if isinstance(given, ast.Name) else str(ast.literal_eval(given))


def test_every_refusal_has_a_sentence_or_a_reason_why_no_page_shows_it() -> None:
    codes = list_codes()
    assert len(codes) > 60
    assert codes == (SENTENCES.keys() | UNMET.keys()) - {UNKNOWN}
    assert not SENTENCES.keys() & UNMET.keys()


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_names_no_value_and_exists_in_both_languages(code: str) -> None:
    words, spoken = translations.read_catalogue(), json.loads(translations.SCRIPT_FILE.read_text("utf-8"))
    sentence = SENTENCES[code]
    for said in (sentence, str(words[sentence].string)):
        assert re.search(r"[.。]$", said) and not re.search(r"[0-9{}%]", said), said
    assert spoken[sentence] == words[sentence].string


def test_an_unknown_code_has_a_sentence_too() -> None:
    assert (
        find_sentence("no_such_code")
        == find_sentence("")
        == "This did not work. Reload the page, then try again."
    )
    assert find_sentence("run_not_found") == find_sentence("turn_not_found") == SENTENCES[GONE]
    assert find_sentence("not_found") == SENTENCES["not_found"] != SENTENCES[GONE]


def test_no_page_shows_what_is_said_to_programs() -> None:
    scripts = list((translations.PACKAGE / "static").rglob("*.js"))
    templates = list((translations.PACKAGE / "templates").rglob("*.html"))
    assert len(scripts) > 15 and len(templates) > 15
    shown = [
        path.name
        for path in (*scripts, *templates)
        if re.search(r"(fault|refusal|error)\.(message|hint)", path.read_text(encoding="utf-8"))
    ]
    assert shown == []


def open_page(desk: Desk, path: str, language: str, role: str = "agent", method: str = "GET", **more: object):
    headers = {"Accept": "text/html", "Accept-Language": language}
    headers["Authorization"] = f"Bearer {desk.tokens[role]}"
    return desk.app.test_client().open(path, method=method, headers=headers, **more)


@pytest.mark.parametrize(
    ("path", "role", "method", "status", "code"),
    [
        ("/console", "agent", "GET", 403, "not_permitted"),
        (f"/console/runs/{ID}", "admin", "GET", 404, "run_not_found"),
        (f"/console/adapters/tuned-{ID}", "admin", "GET", 404, "adapter_not_found"),
        (f"/nowhere/{ID}", "agent", "GET", 404, "not_found"),
        (f"/console/runs/{ID}", "admin", "PUT", 405, "method_not_allowed"),
        (f"/console/runs/{ID}/cancel", "admin", "POST", 404, "run_not_found"),
        ("/console/people", "admin", "POST", 422, "body_invalid"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_an_error_page_speaks_to_people(
    sqlite_desk: Desk, path: str, role: str, method: str, status: int, code: str, language: str
) -> None:
    answer = open_page(sqlite_desk, path, language, role, method)
    words = translations.read_catalogue()
    heading, sentence = HEADINGS.get(status, HEADING), find_sentence(code)
    if language != "en":
        heading, sentence = str(words[heading].string), str(words[sentence].string)
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>\n  <p>{sentence}</p>" in answer.text
    assert ID not in answer.text and "openapi" not in answer.text and 'href="/">' in answer.text


@pytest.mark.parametrize(
    ("language", "heading", "sentence"),
    [
        ("en", "Please wait a moment", "Too much came at once. Wait a minute, then try again."),
        ("zh-CN", "请稍候", "操作过于频繁。请等一分钟再试。"),
    ],
)
def test_a_customer_who_asks_too_often_is_told_to_wait(
    sqlite_engine, tmp_path, language: str, heading: str, sentence: str
) -> None:
    desk = make_desk(sqlite_engine, tmp_path, address_requests=1)
    client = desk.app.test_client()
    headers = {"Accept": "text/html", "Accept-Language": language}
    answers = [client.get("/chat", headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    page = answers[1].text
    assert f"<h1>{heading}</h1>\n  <p>{sentence}</p>" in page and answers[1].headers["Retry-After"] == "60"
    assert page.count('href="/chat"') == 2 and 'href="/"' not in page  # a customer begins again at the chat
    assert "address_requests" not in page


def test_a_customer_of_an_app_is_not_sent_to_pages_of_staff(sqlite_engine, tmp_path) -> None:
    desk = make_desk(sqlite_engine, tmp_path, public_chat=False)
    answer = desk.app.test_client().get("/chat", headers={"Accept": "text/html"})
    assert answer.status_code == 404 and "Not found" in answer.text
    assert 'href="/"' not in answer.text and "/sign-in" not in answer.text


def test_programs_are_told_the_same_as_before(sqlite_desk: Desk) -> None:
    answer = sqlite_desk.get(f"/v1/runs/{ID}", "admin")
    assert answer.get_json() == {
        "error": {
            "code": "run_not_found",
            "message": f"There is no run '{ID}' here.",
            "hint": "Check the id; what belongs to another desk is not shown.",
        }
    }
