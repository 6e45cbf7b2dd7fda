"""Detects a reverse proxy that the settings do not name: behind it all callers seem to have one address.

The finding is a file in the data directory, so that `rejoinder doctor` can read it while the service runs.
The file is removed when a request comes directly, or when the settings name the proxy. Forwarding headers are
only noticed here, never trusted.
"""

import json
import threading
from pathlib import Path

from flask import Flask, request

from feedback.settings import FeedbackSettings
from feedback.web.addresses import is_loopback
from feedback.web.waiting import is_first_request

NAME = "unnamed_proxy.json"  # as commands/callers.py reads it
IN_A_ROW = 100


class Peers:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._peer, self._count = "", 0
        self._is_noted = path.exists()

    def note(self, peer: str, *, is_forwarded: bool) -> None:
        """Looks at one request: the address of its connection, and whether a header says that a proxy
        forwarded it.
        """
        with self._lock:
            if not is_forwarded or not is_loopback(peer):
                self._peer, self._count = "", 0
                self.forget()
                return
            self._count = self._count + 1 if peer == self._peer else 1
            self._peer = peer
            if self._count >= IN_A_ROW and not self._is_noted:
                self._path.write_text(json.dumps({"peer": peer, "requests": self._count}))
                self._is_noted = True

    def forget(self) -> None:
        if self._is_noted:
            self._path.unlink(missing_ok=True)
            self._is_noted = False


def register_peers(app: Flask, settings: FeedbackSettings) -> None:
    peers = Peers(settings.data_dir / NAME)
    if settings.trusted_proxies:
        peers.forget()
        return

    @app.before_request
    def note_peer() -> None:
        # Probes come directly, with or without a proxy.
        if request.blueprint != "health" and is_first_request():
            peers.note(request.remote_addr or "", is_forwarded="X-Forwarded-For" in request.headers)
