"""Toy causal models of several families with adapters that are not zero, and examples of unequal lengths."""

from typing import Any

from trainer.data.example import Example, Stage
from trainer.packing.tolerance import find_tolerance

SIZES: dict[str, Any] = {
    "vocab_size": 90,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
FAMILIES = ("Qwen2", "Qwen3", "Llama", "Mistral")


def make_causal(family: str, *, seed: int = 0, **changes: Any) -> Any:
    """A PEFT model in training mode; its adapter moves log-probabilities by tenths of a nat."""
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = getattr(transformers, f"{family}Config")(**{"sliding_window": None, **SIZES, **changes})
    base = getattr(transformers, f"{family}ForCausalLM")(config).to(torch.float32)
    base.set_attn_implementation("sdpa")
    for weight in base.parameters():
        torch.nn.init.normal_(
            weight, std=0.2 if weight.ndim > 1 else 0.1, mean=0.0 if weight.ndim > 1 else 1.0
        )
    model = get_peft_model(
        base,
        LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear", lora_dropout=0.0),
    )
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model.train()


def assert_rounded_alike(found: Any, wanted: Any, examples: list[Example]) -> None:
    """Two readings of the replies of the examples, [R] each, differ by no more than rounding."""
    limits = [find_tolerance(len(reply), exact=True) for example in examples for reply in example.replies]
    gaps = (found - wanted).detach().abs().tolist()
    assert len(gaps) == len(limits) > 0
    assert all(gap <= limit for gap, limit in zip(gaps, limits, strict=True)), (gaps, limits)


def make_examples(number: int = 3, *, longest: int = 12, seed: int = 0) -> list[Example]:
    """Prompts of 3 tokens and more, two to five replies of 1 to `longest` tokens."""
    import random

    draw = random.Random(seed)

    def tokens(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, 90) for _ in range(count))

    found = []
    for place in range(number):
        replies = tuple((*tokens(draw.randrange(0, longest)), 2) for _ in range(2 + place % 4))
        options = tuple(range(len(replies)))
        stage = Stage(options, (place % len(replies),), tuple(0.1 * option for option in options), 0.1)
        found.append(
            Example(
                f"e{place}",
                f"c{place}",
                tokens(3 + 5 * place),
                replies,
                (stage,),
                place % len(replies),
                0.1,
                None,
                1.0,
            )
        )
    return found


def read_gradients(model: Any) -> dict[str, Any]:
    """The gradient of each trained tensor; None where nothing reached it."""
    return {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
