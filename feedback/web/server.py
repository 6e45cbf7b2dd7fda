"""The listening server: uvicorn around the front, started and ended here.

    server = WebServer(front, host="127.0.0.1", port=8080); server.run()      # until SIGTERM or Ctrl-C

On shutdown there are no new connections, waiting readers are answered at once, and running requests have
`grace_s` seconds. The server ignores forwarding headers; the application trusts those of the proxies that the
settings name.
"""

import socket
from typing import Any

import uvicorn
import uvloop

from feedback.web.front import Front
from feedback.web.slow_clients import PatientProtocol

KEEP_ALIVE_S = 15  # idle seconds between two requests; a page asks at least that often
GRACE_S = 6
BACKLOG = 2048
CONNECTIONS = 20_000
HEAD_AT_MOST = 32_768  # bytes


class WebServer(uvicorn.Server):
    def __init__(
        self,
        front: Front,
        *,
        host: str,
        port: int,
        connections: int = CONNECTIONS,
        grace_s: int = GRACE_S,
        protocol: type[PatientProtocol] = PatientProtocol,
    ) -> None:
        self._front = front
        super().__init__(
            uvicorn.Config(
                front,
                host=host,
                port=port,
                http=protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                limit_concurrency=connections,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=grace_s,
                h11_max_incomplete_event_size=HEAD_AT_MOST,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        uvloop.run(self.serve(sockets))  # half the CPU time per request of asyncio's own loop

    @property
    def address(self) -> tuple[Any, ...]:
        """The address on which it listens, once it has started."""
        found: tuple[Any, ...] = self.servers[0].sockets[0].getsockname()
        return found

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._front.end_waits()
        await super().shutdown(sockets)
        self._front.close()
