"""Log-probabilities, divergence and replies of a base with and without adapters, in float32, batched by
length.

The model's own head runs on reply positions alone. Adapters are attached to one copy of the base and never
merged; a checkpoint is a model of its own beside it. Nothing is trained here.
"""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from transformers import AutoTokenizer, GenerationConfig, set_seed
from transformers.utils import logging as transformers_logging

from serving.base import is_whole_model
from serving.thoughts import cut_thoughts
from trainer.base_model import load_base
from trainer.data.chat import read_chat
from trainer.data.tokens import PairTokens
from trainer.packing.own_head import OwnHead

transformers_logging.disable_progress_bar()  # a bar of a second's loading is noise in a log
Logprobs = NDArray[np.float32]
BATCH_TOKENS = (
    8192  # padded tokens per forward: tens of MB of activations for the demo model, filled CPU cores
)
HEAD_ROWS = 1024  # reply positions per head call: 1024 x 152k logits in fp32 are 0.6 GB


@dataclass(frozen=True)
class GeneratedReply:
    """A generated reply without its end and, in `text`, without its thoughts.

    `end`: the id that ended it; None if it ran into the length limit.
    """

    text: str
    token_ids: tuple[int, ...]
    end: int | None

    @property
    def finished(self) -> bool:
        return self.end is not None


@dataclass(frozen=True)
class Divergence:
    """Means per token of the scored rows: KL(base || adapter), and the nats that base and adapter need for
    the token.
    """

    tokens: int
    kl: float
    base_nats: float
    tuned_nats: float


class Scorer:
    """A base model in memory, and the adapters and checkpoints attached to it by name.

    `adapter=None` means the plain base.
    """

    def __init__(
        self,
        base: Path,
        *,
        threads: int,
        dtype: str = "float32",
        template_kwargs: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """`template_kwargs`: the arguments with which the template of sets is rendered."""
        torch.set_num_threads(threads)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(base)
        self.template_kwargs = template_kwargs
        self.chat = read_chat(self.tokenizer)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.dtype = dtype
        self._plain = self._load(base)
        self._head = OwnHead(self._plain)
        self._tuned: Any = None
        self._whole: dict[str | None, tuple[Any, OwnHead]] = {}

    def _load(self, folder: Path) -> Any:
        return load_base(folder, self.dtype).to(self._device).eval()

    def attach(self, name: str, adapter_dir: Path) -> None:
        if is_whole_model(adapter_dir):
            model = self._load(adapter_dir)
            self._whole[name] = (model, OwnHead(model))
        elif self._tuned is None:
            self._tuned = PeftModel.from_pretrained(self._plain, str(adapter_dir), adapter_name=name).eval()
        else:
            self._tuned.load_adapter(str(adapter_dir), adapter_name=name)

    def score(self, rows: Sequence[PairTokens], adapter: str | None = None) -> list[Logprobs]:
        """The log-probability of each reply token, its end included, in the order of `rows`."""
        found: list[Logprobs] = [np.empty(0, np.float32)] * len(rows)
        with torch.inference_mode(), self._using(adapter):
            for batch in batch_by_length(rows):
                hidden, targets, counts = self._read_replies([rows[place] for place in batch], adapter)
                parts = zip(_cut(hidden), _cut(targets), strict=True)
                values = torch.cat(
                    [self._predict(part, adapter).gather(1, seen[:, None])[:, 0] for part, seen in parts]
                )
                for place, row in zip(batch, torch.split(values, counts), strict=True):
                    found[place] = row.cpu().numpy()
        return found

    def diverge(self, rows: Sequence[PairTokens], adapter: str) -> Divergence:
        """How far the adapter is from the base on these replies; takes two forward passes."""
        divergence = base_nats = tuned_nats = 0.0
        tokens = 0
        with torch.inference_mode():
            for batch in batch_by_length(rows):
                chosen = [rows[place] for place in batch]
                with self._using(None):
                    plain, targets, _ = self._read_replies(chosen)
                with self._using(adapter):
                    tuned, _, _ = self._read_replies(chosen, adapter)
                for ours, theirs, seen in zip(_cut(plain), _cut(tuned), _cut(targets), strict=True):
                    base, moved = self._predict(ours), self._predict(theirs, adapter)
                    divergence += float((base.exp() * (base - moved)).sum())
                    base_nats -= float(base.gather(1, seen[:, None]).sum())
                    tuned_nats -= float(moved.gather(1, seen[:, None]).sum())
                    tokens += len(ours)
        count = max(tokens, 1)
        return Divergence(tokens, divergence / count, base_nats / count, tuned_nats / count)

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        adapter: str | None,
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        samples: int = 1,
        seed: int = 0,
    ) -> list[list[GeneratedReply]]:
        """Generates `samples` replies per prompt; temperature 0 is greedy."""
        # top_k = 0 switches off the library's own default, which is not 0.
        sampling = {"temperature": temperature, "top_k": 0, "top_p": top_p} if temperature > 0 else {}
        config = GenerationConfig(
            do_sample=temperature > 0,
            **sampling,
            repetition_penalty=1.0,
            num_return_sequences=samples,
            max_new_tokens=max_new_tokens,
            eos_token_id=sorted(self.chat.ends),
            pad_token_id=self.chat.pad,
        )
        set_seed(seed)
        found: list[list[GeneratedReply]] = [[] for _ in prompts]
        rows = [PairTokens(list(prompt), [0] * max_new_tokens) for prompt in prompts]
        with torch.inference_mode(), self._using(adapter), warnings.catch_warnings():
            writer = self._whole[adapter][0] if adapter in self._whole else self._plain
            batches: Iterable[list[int]] = batch_by_length(rows, copies=samples)
            if self._puts_tokens(adapter):
                # PEFT gives virtual tokens no position behind padding: each prompt alone, which has none.
                writer, batches = self._tuned, ([place] for place in range(len(rows)))
                warnings.filterwarnings("ignore", "Position ids are not supported")
            for batch in batches:
                ids, mask = self._pad_left([rows[place].prompt_ids for place in batch])
                made = writer.generate(input_ids=ids, attention_mask=mask, generation_config=config)[
                    :, ids.shape[1] :
                ]
                for number, tokens in enumerate(made.tolist()):
                    found[batch[number // samples]].append(self._read_reply(tokens))
        return found

    def _read_reply(self, tokens: list[int]) -> GeneratedReply:
        kept = list(takewhile(lambda token: token not in self.chat.ends, tokens))
        text = cut_thoughts(self.tokenizer.decode(self.chat.cut_thoughts(kept), skip_special_tokens=True))
        return GeneratedReply(text, tuple(kept), tokens[len(kept)] if len(kept) < len(tokens) else None)

    def _using(self, adapter: str | None) -> AbstractContextManager[Any]:
        if self._tuned is None or adapter in self._whole:
            assert adapter is None or adapter in self._whole, adapter
            return nullcontext()
        if adapter is None:
            disabled: AbstractContextManager[Any] = self._tuned.disable_adapter()
            return disabled
        self._tuned.set_adapter(adapter, inference_mode=True)
        return nullcontext()

    def _puts_tokens(self, adapter: str | None) -> bool:
        """Whether the adapter is virtual tokens, which no layer of the base but PEFT's wrapper adds."""
        if adapter is None or adapter in self._whole:
            return False
        return bool(self._tuned.peft_config[adapter].is_prompt_learning)

    def _read_hidden(self, ids: torch.Tensor, mask: torch.Tensor, adapter: str | None) -> torch.Tensor:
        """The last hidden states of the given tokens; (rows, tokens, hidden)."""
        if not self._puts_tokens(adapter):
            made: torch.Tensor = (
                self._find_head(adapter)
                .body(input_ids=ids, attention_mask=mask, use_cache=False)
                .last_hidden_state
            )
            return made
        caught: list[torch.Tensor] = []
        hook = self._head.body.register_forward_hook(
            lambda _module, _given, made: caught.append(made.last_hidden_state)
        )
        try:
            self._tuned(input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=1)
        finally:
            hook.remove()
        return caught[0][:, -ids.shape[1] :]

    def _find_head(self, adapter: str | None) -> OwnHead:
        return self._whole[adapter][1] if adapter in self._whole else self._head

    def _predict(self, hidden: torch.Tensor, adapter: str | None = None) -> torch.Tensor:
        """Log-probabilities of every next token, float32 whatever the weights are; (rows, vocabulary)."""
        return torch.log_softmax(self._find_head(adapter).read_logits(hidden), dim=-1)

    def _read_replies(
        self, rows: Sequence[PairTokens], adapter: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
        """Hidden states that predict a reply token, (reply tokens, hidden), those tokens, and how many each
        row has.
        """
        width = max(len(row.prompt_ids) + len(row.reply_ids) for row in rows)
        ids = torch.full((len(rows), width), self.chat.pad)
        mask = torch.zeros_like(ids)
        wanted = torch.zeros(len(rows), width, dtype=torch.bool)
        for number, row in enumerate(rows):
            start, end = len(row.prompt_ids), len(row.prompt_ids) + len(row.reply_ids)
            ids[number, :end] = torch.tensor(row.prompt_ids + row.reply_ids)
            mask[number, :end] = 1
            wanted[number, start - 1 : end - 1] = True
        ids, mask, wanted = ids.to(self._device), mask.to(self._device), wanted.to(self._device)
        hidden = self._read_hidden(ids, mask, adapter)
        targets = torch.cat([torch.tensor(row.reply_ids) for row in rows]).to(self._device)
        return hidden[wanted], targets, [len(row.reply_ids) for row in rows]

    def _pad_left(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self.chat.pad)
        mask = torch.zeros_like(ids)
        for number, prompt in enumerate(prompts):
            ids[number, width - len(prompt) :] = torch.tensor(list(prompt))
            mask[number, width - len(prompt) :] = 1
        return ids.to(self._device), mask.to(self._device)


def _cut(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.split(rows, HEAD_ROWS)


def batch_by_length(rows: Sequence[PairTokens], *, copies: int = 1) -> Iterator[list[int]]:
    """Batches of rows of like length, as their places, as many as fit the token budget.

    The longest come first, so that memory peaks at once.
    """
    lengths = [len(row.prompt_ids) + len(row.reply_ids) for row in rows]
    batch: list[int] = []
    for place in sorted(range(len(rows)), key=lambda number: (-lengths[number], number)):
        if batch and (len(batch) + 1) * lengths[batch[0]] * copies > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
