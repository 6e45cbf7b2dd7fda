"""Which addresses are ours, and whose word is believed about them."""

import pytest

from feedback.settings import FeedbackSettings
from feedback.web.hosts import list_hosts
from tests.feedback.desk import make_desk
from tests.feedback.web.serving import serving

# What a reader of headers would take as scheme, host, sender and prefix.
FORGED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "//evil.example",
    "Script-Name": "//evil.example",
}


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{environ['wsgi.url_scheme']} {environ['SCRIPT_NAME']!r} {environ['REMOTE_ADDR']}".encode()]


def test_the_server_believes_no_header_of_a_loopback_peer():
    headers = {**FORGED, "SCRIPT_NAME": "//evil.example", "X-Forwarded-For": "203.0.113.9"}
    with serving(echo) as served, served.client() as client:
        assert client.get("/x", headers=headers).text == "http '' 127.0.0.1"


def test_without_trusted_proxies_nothing_is_believed(sqlite_desk):
    browser = sqlite_desk.app.test_client()
    answer = browser.get(
        "/workbench",
        headers={**FORGED, "Accept": "text/html"},
    )
    assert answer.headers["Location"] == "/sign-in?next=/workbench"
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:8080"])
def test_a_host_that_is_none_of_ours_is_refused_with_the_remedy(sqlite_desk, host):
    answer = sqlite_desk.app.test_client().get("/sign-in", headers={"Host": host})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "host_unknown")
    assert "trusted_hosts" in answer.json["error"]["hint"]
    assert "Content-Security-Policy" in answer.headers and "evil" not in answer.text


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "desk.example.org", "desk.lan:80", "10.1.2.3:8080"]
)
def test_our_own_hosts_are_answered(sqlite_engine, tmp_path, host):
    desk = make_desk(
        sqlite_engine,
        tmp_path,
        host="10.1.2.3",
        public_url="https://desk.example.org",
        trusted_hosts=["desk.lan"],
    )
    assert desk.app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


def test_listening_everywhere_makes_no_host_ours():
    assert list_hosts(FeedbackSettings(host="0.0.0.0")) == ["localhost", "127.0.0.1", "[::1]"]


def test_a_proxy_that_is_trusted_says_scheme_and_host(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, trusted_proxies=1, public_url="https://desk.example.org")
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "desk.example.org"}
    answer = desk.app.test_client().get("/sign-in", headers=headers)
    assert (answer.status_code, answer.headers.get("Strict-Transport-Security")) == (200, "max-age=31536000")
    headers["X-Forwarded-Host"] = "evil.example"
    assert desk.app.test_client().get("/sign-in", headers=headers).status_code == 400


def test_sign_in_links_begin_with_the_public_address(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, public_url="https://desk.example.org/")
    made = desk.app.test_client().post(
        "/console/people",
        data={"name": "kim", "role": "agent"},
        headers={"Authorization": f"Bearer {desk.tokens['ada']}"},
    )
    assert "https://desk.example.org/sign-in/" in made.text and "localhost/sign-in/" not in made.text


@pytest.mark.parametrize("url", ["desk.example.org", "ftp://desk.example.org", "https://desk.example.org/x"])
def test_a_public_url_is_scheme_and_host(url):
    with pytest.raises(ValueError, match="scheme and host alone"):
        FeedbackSettings(public_url=url)
