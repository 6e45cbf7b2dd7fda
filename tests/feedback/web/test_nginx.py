"""deploy/nginx.conf, as it is but for ports, paths and the certificate, in front of the running service."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from commands.instance import find_port
from feedback.settings import FeedbackSettings
from tests.feedback.desk import Desk, make_desk
from tests.feedback.web.serving import open_stream, read_all, serving_desk, wait_until

pytestmark = pytest.mark.real
CONF = Path(__file__).parents[3] / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


@dataclass
class Fronted:
    desk: Desk
    secure: int
    plain: int

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"https://127.0.0.1:{self.secure}"
        return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False, verify=False)

    def connect(self) -> ssl.SSLSocket:
        context = ssl._create_unverified_context()
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.secure), timeout=60))


@pytest.fixture
def client_limit_s() -> int:
    """For a client's head and each part of its body: as shipped, which a busy machine does not miss."""
    return 10


@pytest.fixture
def fronted(sqlite_engine, tmp_path, client_limit_s) -> Iterator[Fronted]:
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    desk = make_desk(sqlite_engine, tmp_path, trusted_proxies=1)
    settings = FeedbackSettings(data_dir=tmp_path, trusted_proxies=1)
    with serving_desk(desk.app, desk.engine, settings) as served:
        secure, plain = (find_port("127.0.0.1", 0) for _ in range(2))
        conf = write_conf(tmp_path, served.port, secure=secure, plain=plain, limit_s=client_limit_s)
        process = subprocess.Popen([NGINX, "-c", str(conf), "-p", str(tmp_path)], stderr=subprocess.PIPE)
        try:
            wait_until(lambda: can_connect(secure) or process.poll() is not None)
            assert process.poll() is None, process.stderr.read()
            yield Fronted(desk, secure, plain)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def write_conf(folder: Path, port: int, *, secure: int, plain: int, limit_s: int) -> Path:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=support.example.com"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    site = CONF.read_text()
    for shipped, own in {
        "server 127.0.0.1:8080;": f"server 127.0.0.1:{port};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
        "/etc/ssl/certs/support.example.com.pem": str(certificate),
        "/etc/ssl/private/support.example.com.key": str(key),
        "client_header_timeout 10s;": f"client_header_timeout {limit_s}s;",
        "client_body_timeout 10s;": f"client_body_timeout {limit_s}s;",
    }.items():
        assert shipped in site
        site = site.replace(shipped, own)
    conf = folder / "nginx.conf"
    own_paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{own_paths}{site}\n}}\n"
    )
    return conf


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_service_is_reached_over_tls_and_knows_it(fronted):
    with fronted.client() as client:
        answer = client.get("/healthz", headers={"X-Forwarded-Proto": "http", "X-Forwarded-For": "6.6.6.6"})
    assert answer.json() == {"live": True}
    assert "strict-transport-security" in answer.headers  # the scheme is nginx's word, not the client's
    moved = httpx.get(
        f"http://127.0.0.1:{fronted.plain}/chat", headers={"Host": "a"}, timeout=60, trust_env=False
    )
    assert (moved.status_code, moved.headers["location"]) == (308, "https://a/chat")


def test_streams_of_events_pass_without_being_collected(fronted):
    opened = fronted.desk.open()
    path = f"/v1/conversations/{opened['conversation_id']}/messages"
    with fronted.client(opened["visitor_token"]) as client, open_stream(client, path) as stream:
        assert [m["text"] for m in stream.next()["messages"]] == ["Where is my order 1042?"]
        fronted.desk.say(opened, "customer", "News", by=opened["visitor_token"])
        assert [m["text"] for m in stream.next()["messages"]] == ["News"]


@pytest.mark.parametrize("client_limit_s", [1])
def test_slow_clients_are_shown_out_by_nginx_already(fronted):
    half = b"GET / HT"
    slow = b"POST /v1/conversations HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"
    for sent in (half, slow):
        # On a busy machine it may be shown out before it has sent even that.
        with fronted.connect() as connection, suppress(ConnectionError, ssl.SSLError):
            connection.sendall(sent)
            assert b"200 OK" not in read_all(connection)
    with fronted.client() as client:
        assert client.get("/healthz").status_code == 200


def test_requests_framed_in_two_ways_do_not_reach_the_service(fronted):
    with fronted.connect() as connection:
        connection.sendall(
            b"POST /v1/conversations HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert b" 400 " in read_all(connection)


def test_one_address_has_a_share_and_is_told_so_beyond(fronted):
    opened = fronted.desk.open()
    lines = (
        f"GET /v1/conversations/{opened['conversation_id']}/messages HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {fronted.desk.tokens['app']}",
        "Accept: text/event-stream",
    )
    streams = []
    for _ in range(230):
        streams.append(fronted.connect())
        streams[-1].sendall("\r\n".join([*lines, "", ""]).encode())
    answers = [stream.recv(12) for stream in streams]
    for stream in streams:
        stream.close()
    assert set(answers) == {b"HTTP/1.1 200", b"HTTP/1.1 429"}
    assert 150 <= answers.count(b"HTTP/1.1 200") <= 200
