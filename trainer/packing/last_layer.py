"""The last layer of a decoder, computed only at the tokens whose result is read.

Every token gives the last layer its keys and values. All else in that layer (queries, output projection, MLP)
is read only at tokens that predict a reply token; in a prompt that is the last token. Only those tokens go
through these parts; the others come out as zeros, which nobody reads. A model of few layers gains most.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn


class LastLayer:
    """The last layer of a decoder; `index` is its number there. Its parts must treat each token by itself."""

    def __init__(self, index: int, parts: tuple[nn.Module, ...]) -> None:
        self.index = index
        self._parts = parts

    @contextmanager
    def only(self, rows: Tensor) -> Iterator[None]:
        """Inside the block, the parts compute these tokens only. `rows`: ascending places in one row."""

        def gather(_module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            hidden, *rest = given
            lengths.append(hidden.shape[1])
            return (hidden.index_select(1, rows), *rest)

        def scatter(_module: nn.Module, _given: Any, made: Tensor) -> Tensor:
            return made.new_zeros(1, lengths.pop(), made.shape[2]).index_copy(1, rows, made)

        lengths: list[int] = []
        with ExitStack() as hooks:
            for part in self._parts:
                hooks.callback(part.register_forward_pre_hook(gather).remove)
                hooks.callback(part.register_forward_hook(scatter).remove)
            yield


def find_last_layer(decoder: Any) -> LastLayer | None:
    """The last layer of a decoder that is built like Llama's; None for another, computed whole."""
    layers = getattr(decoder, "layers", None)
    if not layers:
        return None
    attention, mlp = getattr(layers[-1], "self_attn", None), getattr(layers[-1], "mlp", None)
    parts = (getattr(attention, "q_proj", None), getattr(attention, "o_proj", None), mlp)
    if not all(isinstance(part, nn.Module) for part in parts) or not hasattr(mlp, "down_proj"):
        return None
    return LastLayer(len(layers) - 1, parts)  # type: ignore[arg-type]
