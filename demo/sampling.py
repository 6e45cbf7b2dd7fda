"""Replies of a model directory by transformers, in float32: for measuring and tests, not for serving."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demo.grammar import Message

BATCH = 25


class Sampler:
    """Holds tokenizer and model; `draw` is deterministic for a seed and an order of prompts."""

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(threads)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(path, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()

    def draw(
        self, prompts: Sequence[Sequence[Message]], *, temperature: float, seed: int = 0, max_tokens: int = 96
    ) -> list[str]:
        """One reply per prompt, greedy at temperature 0; a reply cut off at the limit lacks its end."""
        import torch

        torch.manual_seed(seed)
        replies: list[str] = []
        for start in range(0, len(prompts), BATCH):
            batch = [list(prompt) for prompt in prompts[start : start + BATCH]]
            texts = [
                self.tokenizer.apply_chat_template(m, tokenize=False, add_generation_prompt=True)
                for m in batch
            ]
            inputs = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
            choice = (
                {"do_sample": True, "temperature": temperature, "top_k": 0}
                if temperature
                else {"do_sample": False}
            )
            with torch.no_grad():
                output = self.model.generate(
                    input_ids=inputs["input_ids"],
                    attention_mask=inputs["attention_mask"],
                    max_new_tokens=max_tokens,
                    **choice,
                )
            fresh = output[:, inputs["input_ids"].shape[1] :]
            replies += self.tokenizer.batch_decode(fresh, skip_special_tokens=True)
        return replies
