"""Builds the tiny model and the tokenizer of a family, as transformers saves them."""

from pathlib import Path
from typing import Any

from tests.families.table import BASES, SIZES, Family
from tests.trainer.tiny import CURT, QUESTIONS, WARM

VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}


def build_base(folder: Path, name: str) -> Path:
    """Writes the base of this name of the table."""
    return build_family(folder, BASES[name])


def build_family(folder: Path, family: Family) -> Path:
    """Writes the base of a family: weights from a fixed seed, in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = make_tokenizer(family)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(make_config(family, tokenizer)).to(torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("sinks"):
                torch.nn.init.normal_(weight)  # made empty, to be read from a file
    if family.ends is not None:
        model.generation_config.eos_token_id = list(family.ends)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_config(family: Family, tokenizer: Any) -> Any:
    import transformers

    values: dict[str, Any] = {
        **SIZES,
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        **family.values,
    }
    values = {name: value for name, value in values.items() if value is not None or name.endswith("_id")}
    if family.config == "Gemma3Config":
        tied = {"vision_config": VISION, "mm_tokens_per_image": 1, "image_token_id": 5}
        return transformers.Gemma3Config(text_config=values, **tied)
    return getattr(transformers, family.config)(**values)


def make_tokenizer(family: Family) -> Any:
    """Bytes and a few merges, with the control tokens of the family first."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    pieces.train_from_iterator(
        [*WARM, *CURT, *QUESTIONS, "system user assistant\n"],
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=list(family.tokens),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    named = {
        "bos_token": family.bos,
        "eos_token": family.eos,
        "pad_token": family.pad,
        "chat_template": family.template,
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=pieces, **{name: value for name, value in named.items() if value}
    )
