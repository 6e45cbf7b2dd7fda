"""Several engines behind one interface: requests take turns and skip an engine that fails; adapters are
loaded on all engines or on none. Here alone a model's name decides which engine is asked: a checkpoint has
one of its own.

It has the methods of `EngineClient`, but gives messages and replies their form (wording.py).
It keeps no state about what should be loaded: `feedback.deployment.deploy` does.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from serving.backend import ZERO_NAME, resolve_backend
from serving.base import is_whole_model
from serving.client.client import Completions, EngineClient, Sampling
from serving.client.endpoint import Endpoint, SecondEngine
from serving.client.wording import Wording
from serving.errors import (
    AdapterNotLoaded,
    CheckpointNotServed,
    EngineRefused,
    EngineUnreachable,
    ServingError,
)
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
        checkpoint: tuple[str, EngineClient] | None = None,
    ) -> None:
        """`checkpoint`: the name of the one that serves, and its engine."""
        self.clients = tuple(clients)
        self._wording = wording or Wording()
        self.served_name = served_name
        self.zero_name = zero_name
        """Name of the adapter that changes nothing; None on cuda, where requests for the base need none."""
        self.checkpoint = checkpoint
        self._turn = itertools.count()  # next() on it is atomic
        if not self.clients:
            raise ValueError("a fleet needs at least one engine")

    @classmethod
    def from_endpoints(
        cls, endpoints: Iterable[Endpoint], settings: ServingSettings, second: SecondEngine | None = None
    ) -> "Fleet":
        make = partial(EngineClient, timeout_s=settings.request_timeout_s)
        return cls(
            map(make, endpoints),
            served_name=settings.served_name,
            zero_name=ZERO_NAME if resolve_backend(settings) == "cpu" else None,
            wording=Wording.find(settings.base_model),
            checkpoint=(second.name, make(second.endpoint)) if second and second.endpoint else None,
        )

    @property
    def base_name(self) -> str:
        """The model name to ask for when the base shall answer.

        On a CPU it is the zero adapter: in a batch with others, vLLM's own products would give a request
        without an adapter the weights of another one (docs/serving.md).
        """
        return self.zero_name or self.served_name

    def is_ready(self) -> bool:
        """Whether at least one engine can answer."""
        return any(client.is_ready() for client in self.clients)

    def list_models(self) -> list[str]:
        """Names that every engine serves, in the order of the first, and the checkpoint that is announced.

        Its engine is not asked, so that one that hangs holds nobody up.
        """
        first, *others = [client.list_models() for client in self.clients]
        shared = [name for name in first if all(name in other for other in others)]
        return [*shared, self.checkpoint[0]] if self.checkpoint else shared

    def list_engines(self, model: str) -> list[tuple[EngineClient, EngineClient]]:
        """Each engine that is asked for a model, with one that is asked for the base beside it."""
        if self.checkpoint is not None and model == self.checkpoint[0]:
            return [(self.checkpoint[1], self.clients[0])]
        return [(client, client) for client in self.clients]

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
            model,
            lambda client: client.generate(
                model=model,
                messages=written,
                sampling=sampling,
                seed=seed,
                n=n,
                chat_template_kwargs=chat_template_kwargs,
                stop_token_ids=self._wording.stops,
            ),
        )
        return replace(completions, replies=[self._wording.read(reply) for reply in completions.replies])

    def count_tokens(
        self, *, model: str, messages: Sequence[dict[str, str]], chat_template_kwargs: dict[str, Any]
    ) -> int:
        written = self._wording.write(messages)
        return self._try_each(
            model,
            lambda client: client.count_tokens(
                model=model, messages=written, chat_template_kwargs=chat_template_kwargs
            ),
        )

    def score(
        self, *, model: str, prompt_token_ids: Sequence[int], reply_token_ids: Sequence[int]
    ) -> list[float]:
        return self._try_each(
            model,
            lambda client: client.score(
                model=model, prompt_token_ids=prompt_token_ids, reply_token_ids=reply_token_ids
            ),
        )

    def load_adapter(self, name: str, path: Path) -> None:
        """Loads the adapter on every engine.

        If one fails, it is unloaded from those that did not have it before. A checkpoint is loaded by the
        start of its engine alone: CheckpointNotServed where that does not serve it.
        """
        if is_whole_model(path):
            if self.checkpoint is None or name != self.checkpoint[0]:
                raise CheckpointNotServed(name)
            return
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
        """Unloads the adapter from every engine; a checkpoint goes when its engine stops.

        All engines are asked, also after a failure; the last failure is then raised.
        """
        if self.checkpoint is not None and name == self.checkpoint[0]:
            return
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
        if self.checkpoint is not None:
            self.checkpoint[1].close()

    def _try_each(self, model: str, ask: Callable[[EngineClient], Answer]) -> Answer:
        """The first answer of an engine that has this model, beginning with the one whose turn it is.

        After a failure that another engine may not have, the next one is asked. A time-out is raised at once,
        since it has used up the time.
        """
        engines = [client for client, _ in self.list_engines(model)]
        start = next(self._turn) % len(engines)
        failure: ServingError | None = None
        for client in engines[start:] + engines[:start]:
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
