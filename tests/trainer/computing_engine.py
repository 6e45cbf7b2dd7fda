"""A fake engine that computes: its log-probabilities are those of a real tiny base and its adapters."""

import threading
from pathlib import Path
from typing import Any

from serving.client.fake import FakeEngine


class ComputingEngine(FakeEngine):
    """The fake's routes with the tiny base's own log-probabilities, so that a probe means something."""

    def __init__(self, base) -> None:
        from trainer.evaluation.scoring import Scorer

        self._scorer = Scorer(base, threads=1)
        self._attached: set[str] = set()
        self._turn = threading.Lock()  # a probe asks for adapter and base at once
        super().__init__()

    def _score(self, body: dict[str, Any]):
        from trainer.data.tokens import PairTokens

        tokens, name = body["prompt"], body["model"]
        adapter = None if name in self.neutral else name
        with self._turn:
            if adapter and adapter not in self._attached:
                self._scorer.attach(adapter, Path(self.adapters[adapter]))
                self._attached.add(adapter)
            values = self._scorer.score([PairTokens(tokens[:1], tokens[1:])], adapter)[0].tolist()
        scores = [None, *({str(t): {"logprob": v}} for t, v in zip(tokens[1:], values, strict=True))]
        return 200, {"choices": [{"index": 0, "text": "", "prompt_logprobs": scores}]}
