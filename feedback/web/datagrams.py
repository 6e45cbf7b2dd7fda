"""Signals between processes of one machine: each listens on a datagram socket in a common directory.

The first process that finds nobody listening on a socket removes it. Linux only: addresses go through
/proc/self/fd, because the path of a socket may have at most 107 bytes.
"""

import logging
import os
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from feedback.web.signals import Hear, pack, unpack

log = logging.getLogger(__name__)

ENDING = ".sock"
LARGEST = 65_536


class Datagrams:
    def __init__(self, directory: Path, *, hear: Hear) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hear = hear
        self._name = f"{os.getpid()}-{uuid4().hex[:8]}{ENDING}"
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._address(self._name))
        self._sending = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sending.setblocking(False)
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self._thread.start()

    def notify(self, topics: Iterable[str]) -> None:
        others = [
            name for name in os.listdir(self._directory) if name.endswith(ENDING) and name != self._name
        ]
        if not others:
            return
        for message in pack(topics, sender=self._name):
            for name in others:
                self._send(message.encode(), name)

    def close(self) -> None:
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._directory)
        self._socket.shutdown(socket.SHUT_RD)  # ends the thread's wait
        self._thread.join()
        for each in (self._socket, self._sending):
            each.close()
        os.close(self._directory)

    def _address(self, name: str) -> str:
        return f"/proc/self/fd/{self._directory}/{name}"

    def _send(self, message: bytes, name: str) -> None:
        try:
            self._sending.sendto(message, self._address(name))
        except ConnectionRefusedError:
            with suppress(OSError):
                os.unlink(name, dir_fd=self._directory)
        except OSError:  # its buffer is full, or it has ended: the poll every second replaces the signal
            pass

    def _listen(self) -> None:
        while message := self._socket.recv(LARGEST):
            try:
                _, topics = unpack(message)
            except ValueError:
                log.warning("a signal that is none: %r", message[:80])
            else:
                self._hear(topics)
