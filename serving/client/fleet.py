"""Several engines behind one interface: requests take turns and skip an engine that fails; adapters are
loaded on all engines or on none.

It has the methods of `EngineClient`, but gives messages and replies their form (wording.py).
It keeps no state about what should be loaded: `feedback.deployment.deploy` does.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from serving.backend import ZERO_NAME, resolve_backend
from serving.client.client import Completions, EngineClient, Sampling
from serving.client.endpoint import Endpoint
from serving.client.wording import Wording
from serving.errors import AdapterNotLoaded, EngineRefused, EngineUnreachable, ServingError
from serving.settings import ServingSettings

Answer = TypeVar("Answer")
_SERVER_ERROR = 500


class Fleet:
    def __init__(
        self,
        clients: Iterable[EngineClient],
        *,
        served_name: str,
        zero_name: str | None,
        wording: Wording | None = None,
    ) -> None:
        self.clients = tuple(clients)
        self._wording = wording or Wording()
        self.served_name = served_name
        self.zero_name = zero_name
        """Name of the adapter that changes nothing; None on cuda, where requests for the base need none."""
        self._turn = itertools.count()  # next() on it is atomic
        if not self.clients:
            raise ValueError("a fleet needs at least one engine")

    @classmethod
    def from_endpoints(cls, endpoints: Iterable[Endpoint], settings: ServingSettings) -> "Fleet":
        return cls(
            (EngineClient(endpoint, timeout_s=settings.request_timeout_s) for endpoint in endpoints),
            served_name=settings.served_name,
            zero_name=ZERO_NAME if resolve_backend(settings) == "cpu" else None,
            wording=Wording.find(settings.base_model),
        )

    @property
    def base_name(self) -> str:
        """The model name to ask for when the base shall answer.

        On a CPU it is the zero adapter: in a batch with others, a request without an adapter would get the
        weights of another one.
        """
        return self.zero_name or self.served_name

    def is_ready(self) -> bool:
        """Whether at least one engine can answer."""
        return any(client.is_ready() for client in self.clients)

    def list_models(self) -> list[str]:
        """Names that every engine serves, in the order of the first engine."""
        first, *others = [client.list_models() for client in self.clients]
        return [name for name in first if all(name in other for other in others)]

    def generate(
        self,
        *,
        model: str,
        messages: Sequence[dict[str, str]],
        sampling: Sampling,
        seed: int,
        n: int,
        chat_template_kwargs: dict[str, Any],
    ) -> Completions:
        written = self._wording.write(messages)
        completions = self._try_each(
            lambda client: client.generate(
                model=model,
                messages=written,
                sampling=sampling,
                seed=seed,
                n=n,
                chat_template_kwargs=chat_template_kwargs,
                stop_token_ids=self._wording.stops,
            )
        )
        return replace(completions, replies=[self._wording.read(reply) for reply in completions.replies])

    def count_tokens(
        self, *, model: str, messages: Sequence[dict[str, str]], chat_template_kwargs: dict[str, Any]
    ) -> int:
        written = self._wording.write(messages)
        return self._try_each(
            lambda client: client.count_tokens(
                model=model, messages=written, chat_template_kwargs=chat_template_kwargs
            )
        )

    def score(
        self, *, model: str, prompt_token_ids: Sequence[int], reply_token_ids: Sequence[int]
    ) -> list[float]:
        return self._try_each(
            lambda client: client.score(
                model=model, prompt_token_ids=prompt_token_ids, reply_token_ids=reply_token_ids
            )
        )

    def load_adapter(self, name: str, path: Path) -> None:
        """Loads the adapter on every engine.

        If one fails, it is unloaded from those that did not have it before.
        """
        loaded: list[EngineClient] = []
        try:
            for client in self.clients:
                if name not in client.list_models():
                    loaded.append(client)
                client.load_adapter(name, path)
        except ServingError:
            _unload_where_possible(loaded, name)
            raise

    def unload_adapter(self, name: str) -> None:
        """Unloads the adapter from every engine.

        All engines are asked, also after a failure; the last failure is then raised.
        """
        failure: ServingError | None = None
        for client in self.clients:
            try:
                client.unload_adapter(name)
            except ServingError as error:
                failure = error
        if failure is not None:
            raise failure

    def close(self) -> None:
        for client in self.clients:
            client.close()

    def _try_each(self, ask: Callable[[EngineClient], Answer]) -> Answer:
        """The first answer, beginning with the engine whose turn it is.

        After a failure that another engine may not have, the next one is asked. A time-out is raised at once,
        since it has used up the time.
        """
        start = next(self._turn) % len(self.clients)
        failure: ServingError | None = None
        for client in self.clients[start:] + self.clients[:start]:
            try:
                return ask(client)
            except (EngineUnreachable, AdapterNotLoaded) as error:
                failure = error
            except EngineRefused as error:
                if error.status < _SERVER_ERROR:
                    raise
                failure = error
        assert failure is not None
        raise failure


def _unload_where_possible(clients: Iterable[EngineClient], name: str) -> None:
    """Cleans up after a failed load. Errors are ignored here: the caller raises the first one."""
    for client in clients:
        try:
            client.unload_adapter(name)
        except ServingError:
            continue
