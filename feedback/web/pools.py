"""Thread pools for the Flask application, one for each kind of work, so that no kind waits behind another.

Probes must answer while everything else hangs, and writes must not queue behind readers. Repeated look-ups
for a waiting reader come after requests that are new.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from feedback.web.errors import ServerCrowded

Result = TypeVar("Result")

QUEUED_PER_THREAD = 64


class Pool:
    def __init__(self, name: str, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, name)
        self._limit = threads * (1 + QUEUED_PER_THREAD)
        self._at_work = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Runs a call in the pool. Raises ServerCrowded if too many calls already wait for a thread."""
        if self._at_work >= self._limit:
            raise ServerCrowded
        self._at_work += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._at_work -= 1

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


class Pools:
    def __init__(self, threads: int) -> None:
        half = max(1, threads // 2)
        self.alive = Pool("alive", 1)
        self.probes = Pool("probe", 2)
        self.writes = Pool("write", half)
        self.reads = Pool("read", half)
        self.looks = Pool("look", max(1, threads // 4))

    def pick(self, method: str, path: str) -> Pool:
        if path == "/healthz":
            return self.alive
        if path in ("/readyz", "/metrics"):
            return self.probes
        return self.reads if method in ("GET", "HEAD", "OPTIONS") else self.writes

    def close(self) -> None:
        for pool in (self.alive, self.probes, self.writes, self.reads, self.looks):
            pool.close()


def count_threads(threads: int) -> int:
    """The number of threads that `Pools(threads)` may run at once; the store needs a connection for each."""
    return 2 * max(1, threads // 2) + max(1, threads // 4) + 3
