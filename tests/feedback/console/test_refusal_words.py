"""Why records were refused is said in the reader's language, on every page that counts it."""

import json

from tests.feedback.formats.files import choice
from tests.feedback.imports.sending import send_file, wait_for_imports


def test_a_missing_field_is_named_in_the_language_of_the_reader(sqlite_desk):
    nameless = {name: value for name, value in choice(2).items() if name != "candidates"}
    lines = [choice(1), nameless, choice(3, picked="first")]
    import_id = send_file(sqlite_desk, "\n".join(map(json.dumps, lines)).encode(), source="tickets")
    looked = open_in_chinese(sqlite_desk, f"/console/imports/{import_id}")
    sqlite_desk.post(f"/v1/imports/{import_id}/start", "expert")
    wait_for_imports(sqlite_desk)
    for page in (looked, open_in_chinese(sqlite_desk, f"/console/imports/{import_id}")):
        assert "缺少字段“candidates”" in page and "字段“picked”的类型或取值有误" in page
    assert "缺少字段“candidates”" in open_in_chinese(sqlite_desk, "/console/sources/tickets")


def open_in_chinese(desk, path):
    headers = {"Accept-Language": "zh-CN", "Authorization": f"Bearer {desk.tokens['expert']}"}
    page = desk.app.test_client().get(path, headers=headers)
    assert page.status_code == 200
    return page.text
