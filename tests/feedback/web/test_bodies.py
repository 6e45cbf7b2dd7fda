"""How much of a body is read before anybody is asked who sent it."""

import pytest

from feedback.web.bodies import BodyLimits
from tests.feedback.web.serving import serving


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        ([], 10),
        ([(b"cookie", b"session=x")], 10),
        ([(b"authorization", b"Bearer rj_visitor_0123")], 10),
        ([(b"authorization", b"Bearer rj_app_0123")], 1_000),
        ([(b"host", b"a"), (b"authorization", b"Bearer rj_admin_0123")], 1_000),
    ],
)
def test_whoever_brings_a_token_of_their_own_may_send_more(headers, limit):
    scope = {"headers": headers, "raw_path": b"/v1/conversations"}
    assert BodyLimits(tokens=1_000, others=10).pick(scope) == limit


@pytest.mark.parametrize(("path", "limit"), [(b"/v1/imports/7/pieces", 1_000), (b"/v1/imports", 10)])
def test_a_piece_of_a_file_may_be_larger_than_what_pages_send_else(path, limit):
    scope = {"headers": [(b"cookie", b"session=x")], "raw_path": path}
    assert BodyLimits(tokens=1_000, others=10).pick(scope) == limit


def test_what_lies_beyond_the_limit_never_reaches_the_application():
    def count(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(len(environ["wsgi.input"].read())).encode()]

    with serving(count, max_body_bytes=100) as served, served.client() as client:
        assert client.post("/", content=b"x" * 100).text == "100"
        assert client.post("/", content=b"x" * 101).text == "0"
