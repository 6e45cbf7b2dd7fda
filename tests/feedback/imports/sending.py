"""Sends a file to a desk as the page does."""

import base64

from feedback.web.services import EXTENSION


def send_file(desk, data, *, pieces=1, **asked):
    """The id of an upload whose pieces have all arrived, and that was looked at."""
    opened = desk.post("/v1/imports", "expert", file="a b/../ticket.jsonl", size=len(data), **asked)
    assert opened.status_code == 201, opened.text
    import_id, length = opened.json["import_id"], -(-len(data) // pieces)
    for at in range(0, len(data), length):
        answer = send_piece(desk, import_id, at, data[at : at + length])
        assert answer.status_code == 200, answer.text
    wait_for_imports(desk)
    return import_id


def send_piece(desk, import_id, at, data):
    encoded = base64.b64encode(data).decode()
    return desk.put(f"/v1/imports/{import_id}/pieces", "expert", at=at, data=encoded)


def wait_for_imports(desk):
    """Until the worker has done all that it was asked."""
    desk.app.extensions[EXTENSION].imports.wait()
