"""The logits of a causal language model for hidden states that its body made before: the model's own code,
with whatever it does after its last layer (a bias, a scale, a soft cap), on chosen tokens alone.

No list of configuration keys says what families do to their logits; an unknown one is read as it is.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers.utils import ModelOutput


@dataclass
class _BodyAnswer(ModelOutput):  # type: ignore[misc]
    """What a body gives to its head. Of the rest (caches, router logits, pictures) there is none."""

    last_hidden_state: Any = None

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class OwnHead:
    """The part of `model` that comes after its body. `body`: embeddings and layers, to the last norm."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.body: Any = model.base_model

    def read_logits(self, hidden: Tensor) -> Tensor:
        """The logits of each next token, float32 whatever the weights are; hidden (tokens, hidden), result
        (tokens, vocabulary).
        """
        answer = _BodyAnswer(last_hidden_state=hidden[None])
        # The model's forward runs with a body that has computed already.
        self.body.forward = lambda *_, **__: answer
        try:
            logits: Tensor = self._model(inputs_embeds=hidden[None], use_cache=False).logits
        finally:
            del self.body.forward
        return logits[0].float()
