"""vLLM's sleep mode, for an engine that rests: on CUDA it gives up its cache and moves its weights to the
machine's memory, and is back within seconds, its adapters with it.

Its routes exist where the engine was started with `--enable-sleep-mode` and VLLM_SERVER_DEV_MODE: see
command.py.
"""

import logging
from http import HTTPStatus

import httpx

from serving.client.client import map_failures, read_refusal
from serving.client.endpoint import Endpoint
from serving.errors import ServingError

log = logging.getLogger(__name__)

LIMIT_S = 120.0  # weights move at some GiB a second
LEVEL = 1  # keeps the weights in memory; level 2 forgets them


def fall_asleep(endpoint: Endpoint) -> bool:
    """Lays the engine to sleep. Replies in progress are cut off. False if it cannot."""
    return _ask(endpoint, f"/sleep?level={LEVEL}", "sleep")


def wake_up(endpoint: Endpoint) -> bool:
    return _ask(endpoint, "/wake_up", "wake up")


def _ask(endpoint: Endpoint, path: str, attempted: str) -> bool:
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    try:
        with map_failures(endpoint.url, attempted, LIMIT_S):
            url = f"{endpoint.url}{path}"
            answer = httpx.post(url, headers=headers, timeout=LIMIT_S, trust_env=False)
        if answer.status_code != HTTPStatus.OK:
            raise read_refusal(answer, endpoint.url, attempted, "")
    except ServingError as fault:
        log.warning("the engine cannot %s: %s", attempted, fault)
        return False
    return True
