"""A random Qwen2 of 0.1 M parameters with tokenizer and chat template, and random adapters for it.

Made by transformers and peft, so that files have exactly the form that trainers write. Seconds, mostly
imports.
"""

import json
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ALL_LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def build_tiny_model(target: Path, *, seed: int = 0) -> Path:
    """Two layers of width 64; initialised wide, so that replies depend on the prompt."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    bytes_of_text = Tokenizer(models.BPE())
    bytes_of_text.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_of_text.decoder = decoders.ByteLevel()
    bytes_of_text.train_from_iterator(
        ["where is my order", "the parcel is on its way"],
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_of_text, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=1024,
            initializer_range=0.2,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def build_adapter(
    base: Path, target: Path, *, seed: int, strength: float = 0.1, rank: int = 8, **options
) -> Path:
    """A LoRA with random A and B; `strength` is the spread of B."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    config = LoraConfig(
        **{
            "r": rank,
            "lora_alpha": 2 * rank,
            "target_modules": ALL_LINEAR,
            "task_type": "CAUSAL_LM",
            **options,
        }
    )
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=strength)
    model.save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)
    path = target / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": "base"}))
    return target


Pair = tuple[list[int], list[int]]


def read_logprobs(base: Path, adapter: Path | None, pairs: list[Pair]) -> list[list[float]]:
    """Log-probability of each reply token by transformers and peft: the oracle for `score` and probes."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter)
    found = []
    for prompt, reply in pairs:
        with torch.no_grad():
            scores = model(torch.tensor([prompt + reply])).logits[0].log_softmax(-1)
        found.append([float(scores[len(prompt) - 1 + i, token]) for i, token in enumerate(reply)])
    return found


def write_probe(path: Path, base: Path, adapter: Path, pairs: list[Pair]) -> Path:
    """probe.json as the trainer writes it, for these prompts and replies."""
    from serving.base import compute_base_id

    tuned, plain = read_logprobs(base, adapter, pairs), read_logprobs(base, None, pairs)
    entries = [
        {
            "prompt_token_ids": prompt,
            "reply_token_ids": reply,
            "adapter_logprobs": with_adapter,
            "base_logprobs": without,
        }
        for (prompt, reply), with_adapter, without in zip(pairs, tuned, plain, strict=True)
    ]
    record = {"base_id": compute_base_id(base), "dtype": "float32", "prompts": entries}
    path.write_text(json.dumps(record))
    return path
