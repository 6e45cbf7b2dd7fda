"""Writes a GGUF file of a Llama model out as a plain folder that transformers and vLLM load like any other:
weights in bfloat16, tokenizer, chat template, ends of a turn.

Run by demo/pretrained.py as a process of its own, `python -m demo.gguf_folder FILE FOLDER`, with the package
`gguf` on its path: it loads torch, and its memory goes with it. It fetches nothing.
"""

import functools
import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM


def write_folder(gguf: Path, folder: Path) -> None:
    """Writes the model in `gguf` into `folder`, which must not exist."""
    import gguf as package  # type: ignore[import-not-found]

    folder.mkdir()
    # Tokenizer, configuration and weights each read the whole file, seconds of computing every time.
    package.GGUFReader = functools.cache(package.GGUFReader)
    read = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**read)
    model = AutoModelForCausalLM.from_pretrained(**read, dtype=torch.float32)
    split_digits(tokenizer)
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    plain = strip_quantization(model)
    plain.generation_config = model.generation_config
    plain.save_pretrained(folder)


def split_digits(tokenizer: Any) -> None:
    """Makes every digit a piece of its own before texts are cut into words, as the file asks for
    (`tokenizer.ggml.pre = smollm`) and transformers does not read: two spaces before a number would come out
    as other tokens than those the model has learnt from.
    """
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])


def strip_quantization(model: Any) -> LlamaForCausalLM:
    """The same weights, rounded to bfloat16, in a model that does not know that it was read from GGUF: one
    that does refuses to be saved.
    """
    config = model.config
    del config.quantization_config
    config.dtype = torch.bfloat16
    plain = LlamaForCausalLM(config).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    plain.tie_weights()
    return plain


if __name__ == "__main__":
    write_folder(Path(sys.argv[1]), Path(sys.argv[2]))
