"""All engines as one: draws take turns and pass over one that fails, adapters are loaded on all or on none.

The same verbs as one `EngineClient`, but no message reaches an engine that could open a turn by what it says.
Keeps no state about what should be loaded: `feedback.deployment.deploy` does.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from serving.backend import ZERO_NAME, resolve_backend
from serving.client.client import Draw, EngineClient, Sampling
from serving.client.endpoint import Endpoint
from serving.control_tokens import ANY_MARKUP, ControlTokens, find_control_tokens
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
        control_tokens: ControlTokens = ANY_MARKUP,
    ) -> None:
        self.clients = tuple(clients)
        self.control_tokens = control_tokens
        self.served_name = served_name
        self.zero_name = zero_name
        """Name of the adapter that changes nothing; None where base rows need none (cuda)."""
        self._turn = itertools.count()  # next() on it is atomic
        if not self.clients:
            raise ValueError("a fleet needs at least one engine")

    @classmethod
    def from_endpoints(cls, endpoints: Iterable[Endpoint], settings: ServingSettings) -> "Fleet":
        return cls(
            (EngineClient(endpoint, timeout_s=settings.request_timeout_s) for endpoint in endpoints),
            served_name=settings.served_name,
            zero_name=ZERO_NAME if resolve_backend(settings) == "cpu" else None,
            control_tokens=find_control_tokens(settings.base_model),
        )

    @property
    def base_name(self) -> str:
        """The name to ask for the base arm.

        On CPU a base row in a mixed batch gets another adapter's weights.
        """
        return self.zero_name or self.served_name

    def is_ready(self) -> bool:
        """Whether at least one engine can answer."""
        return any(client.is_ready() for client in self.clients)

    def list_models(self) -> list[str]:
        """Names that every engine serves, in the first one's order."""
        first, *others = [client.list_models() for client in self.clients]
        return [name for name in first if all(name in other for other in others)]

    def draw(
        self,
        *,
        model: str,
        messages: Sequence[dict[str, str]],
        sampling: Sampling,
        seed: int,
        n: int,
        chat_template_kwargs: dict[str, Any],
    ) -> Draw:
        broken = self.control_tokens.break_in_messages(messages)
        return self._try_each(
            lambda client: client.draw(
                model=model,
                messages=broken,
                sampling=sampling,
                seed=seed,
                n=n,
                chat_template_kwargs=chat_template_kwargs,
            )
        )

    def count_tokens(
        self, *, model: str, messages: Sequence[dict[str, str]], chat_template_kwargs: dict[str, Any]
    ) -> int:
        broken = self.control_tokens.break_in_messages(messages)
        return self._try_each(
            lambda client: client.count_tokens(
                model=model, messages=broken, chat_template_kwargs=chat_template_kwargs
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
        """Loads on every engine, or on none that had not loaded it before."""
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
        """Unloads everywhere.

        An engine that does not answer is told last in the error, after all others were asked.
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

        Goes on after a failure that another engine may not have; not after a time-out, which has used the
        time up.
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
    """After a failure: the first error matters, not that of an engine which has gone away as well."""
    for client in clients:
        try:
            client.unload_adapter(name)
        except ServingError:
            continue
