"""A program that the supervisor can take for vLLM: `python stub_engine.py PORT MODE`, ready in a moment.

It starts a worker process of its own, as vLLM does, so that tests see whether a whole group ends. Modes:
`ok`, `die`, `never` (lives, never ready), `stubborn` (ignores SIGTERM), `sleeper` (has the routes of vLLM's
sleep mode).
"""

import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "11")
        self.end_headers()
        self.wfile.write(b'{"data":[]}')

    def do_POST(self) -> None:
        sys.stdout.write(f"asked {self.path}\n")
        sys.stdout.flush()
        self.send_response(200 if sys.argv[2] == "sleeper" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


def main(port: int, mode: str) -> None:
    sys.stdout.write("INFO non-default args: stub\n")
    if mode == "die":
        sys.stdout.write("RuntimeError: Engine core initialization failed. No space left on device\n")
        sys.exit(3)
    ignored = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    sys.stdout.flush()
    worker = subprocess.Popen([sys.executable, "-c", ignored])
    sys.stdout.write(f"worker {worker.pid} of {os.getpid()} key {bool(os.environ.get('VLLM_API_KEY'))}\n")
    sys.stdout.flush()
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "never":
        time.sleep(600)
    HTTPServer(("127.0.0.1", port), Handler).serve_forever(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
