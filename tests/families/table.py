"""The table of tiny bases: the configuration of each family, its template, and what is made of it.

Tiny random models, two layers each, weights spread so wide that masks, scales and caps show. What a family
has of its own (soft caps, logit scales, sinks, latent attention, experts, layers with a state) is switched
on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN3 = CHATML.removesuffix("{% endif %}") + (
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
R1 = CHATML.removesuffix("{% endif %}") + "<think>\n{% endif %}"
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GEMMA3 = (
    "{{ bos_token }}"
    "{% set above = messages[0]['content'] + '\n\n' if messages[0]['role'] == 'system' else '' %}"
    "{% for message in (messages[1:] if above else messages) %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ above if loop.first else '' }}{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GLM = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
LLAMA31 = LLAMA3.replace(
    "{{ message['content'] | trim }}",
    "{% if message['role'] == 'system' %}Today Date: {{ strftime_now('%d %b %Y') }}\n\n{% endif %}"
    "{{ message['content'] | trim }}",
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "[INST] {{ message['content'] }} [/INST]{% elif message['role'] == 'assistant' %}"
    " {{ message['content'] }}{{ eos_token }}{% else %}{{ raise_exception('Only user and assistant roles') }}"
    "{% endif %}{% endfor %}"
)
PHI3 = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
COHERE = (
    "{{ bos_token }}{% for message in messages %}<|START_OF_TURN_TOKEN|>"
    "<|{{ message['role'] | upper }}_TOKEN|>{{ message['content'] }}<|END_OF_TURN_TOKEN|>{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|ASSISTANT_TOKEN|>{% endif %}"
)
DEEPSEEK = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "<Assistant>{{ message['content'] }}{{ eos_token }}{% else %}<User>{{ message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<Assistant>{% endif %}"
)
HARMONY = (
    "{% for message in messages %}<|start|>{{ message['role'] }}<|message|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
PLAIN = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)

CHATML_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
GEMMA_TOKENS = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
GLM_TOKENS = ("<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>")
LLAMA3_TOKENS = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
)  # fmt: skip
COHERE_TOKENS = (
    "<PAD>", "<BOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>",
    "<|USER_TOKEN|>", "<|ASSISTANT_TOKEN|>", "<|SYSTEM_TOKEN|>",
)  # fmt: skip

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
}
MOE: dict[str, Any] = {"moe_intermediate_size": 16, "num_experts_per_tok": 2}
LATENT: dict[str, Any] = {
    "head_dim": None,
    "num_key_value_heads": 4,
    "kv_lora_rank": 8,
    "q_lora_rank": 8,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 8,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "n_group": 1,
    "topk_group": 1,
    **MOE,
}
SLIDING = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 24}


@dataclass(frozen=True)
class Family:
    """One family. `values`: of its configuration, beside SIZES; None takes one of those away.

    `ends`: ids of `generation_config.json`. `unpacked`: what `metrics.json` says of packed rows, None if they
    are used. `refused`: the code with which the check refuses its adapter, None if it passes. `unfit`: what
    is said where no adapter can be trained, None if one can.
    """

    config: str
    values: Mapping[str, Any] = field(default_factory=dict)
    template: str = CHATML
    tokens: Sequence[str] = CHATML_TOKENS
    eos: str | None = "<|im_end|>"
    bos: str | None = None
    pad: str | None = None
    ends: tuple[int, ...] | None = None
    unpacked: str | None = None
    refused: str | None = None
    unfit: str | None = None


GEMMA_STYLE: dict[str, Any] = {
    "template": GEMMA,
    "tokens": GEMMA_TOKENS,
    "eos": "<eos>",
    "bos": "<bos>",
    "pad": "<pad>",
    "ends": (1, 4),
}
GLM_STYLE: dict[str, Any] = {"template": GLM, "tokens": GLM_TOKENS, "eos": "<|endoftext|>", "ends": (0, 4)}
PLAIN_STYLE: dict[str, Any] = {"template": PLAIN, "tokens": CHATML_TOKENS[:1], "eos": "<|endoftext|>"}
DEEPSEEK_STYLE: dict[str, Any] = {
    "template": DEEPSEEK,
    "tokens": ("<bos>", "<eos>", "<User>", "<Assistant>"),
    "eos": "<eos>",
    "bos": "<bos>",
}
DIFFERS, STATE = "packed and separate rows differ", "it has layers with a state of their own"

FAMILIES = {
    "qwen2": Family("Qwen2Config", {"head_dim": None}, pad="<|endoftext|>"),
    "qwen3": Family("Qwen3Config", template=QWEN3, pad="<|endoftext|>"),
    "qwen3-moe": Family("Qwen3MoeConfig", {"num_experts": 4, **MOE}, template=QWEN3, pad="<|endoftext|>"),
    "qwen3-next": Family(
        "Qwen3NextConfig",
        {
            "num_experts": 4,
            "shared_expert_intermediate_size": 16,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "layer_types": ["linear_attention", "full_attention"],
            **MOE,
        },
        template=QWEN3,
        pad="<|endoftext|>",
        unpacked=STATE,
    ),
    "llama3": Family(
        "LlamaConfig",
        {"rope_parameters": {
            "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        }},
        LLAMA3, LLAMA3_TOKENS, "<|eot_id|>", "<|begin_of_text|>", ends=(1, 4),
    ),
    "mistral": Family(
        "MistralConfig", {"sliding_window": 24}, MISTRAL, ("<unk>", "<s>", "</s>"), "</s>", "<s>"
    ),
    "gemma2": Family(
        "Gemma2Config",
        {
            "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 16,
            **SLIDING,
        },
        unpacked="its attention uses softcap",
        **GEMMA_STYLE,
    ),
    "gemma3": Family(
        "Gemma3TextConfig", {"query_pre_attn_scalar": 16, **SLIDING}, **(GEMMA_STYLE | {"template": GEMMA3})
    ),
    "gemma3-vision": Family(
        "Gemma3Config",
        {"query_pre_attn_scalar": 16, **SLIDING},
        **(GEMMA_STYLE | {"template": GEMMA3}),
    ),
    "phi": Family("PhiConfig", {"head_dim": None, "partial_rotary_factor": 0.5}, **PLAIN_STYLE),
    "phi3": Family(
        "Phi3Config",
        {"head_dim": None},
        PHI3,
        ("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|endoftext|>",
        ends=(0, 4),
    ),
    "gpt-neox": Family("GPTNeoXConfig", {"head_dim": None, "num_key_value_heads": None}, **PLAIN_STYLE),
    "gpt2": Family(
        "GPT2Config",
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
        unfit="rows and columns exchanged",
        **PLAIN_STYLE,
    ),
    "olmo2": Family("Olmo2Config", {"head_dim": None}, pad="<|endoftext|>"),
    "granite": Family(
        "GraniteConfig",
        {
            "head_dim": None, "logits_scaling": 4.0, "embedding_multiplier": 3.0,
            "residual_multiplier": 0.5, "attention_multiplier": 0.2,
        },
        pad="<|endoftext|>",
    ),
    "smollm3": Family("SmolLM3Config", {"head_dim": None, "no_rope_layers": [1, 0]}, pad="<|endoftext|>"),
    "falcon": Family(
        "FalconConfig",
        {"head_dim": None, "num_kv_heads": 2, "new_decoder_architecture": True},
        unpacked=DIFFERS,
        **PLAIN_STYLE,
    ),
    "cohere": Family(
        "CohereConfig", {"head_dim": None, "logit_scale": 0.3}, COHERE, COHERE_TOKENS,
        "<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>", "<PAD>",
    ),
    "glm4": Family("Glm4Config", {"partial_rotary_factor": 0.5}, **GLM_STYLE),
    "glm4-moe": Family(
        "Glm4MoeConfig",
        {"n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1, **MOE},
        **GLM_STYLE,
    ),
    "deepseek-v2": Family(
        "DeepseekV2Config", {**LATENT, "n_group": None, "topk_group": None}, **DEEPSEEK_STYLE
    ),
    "deepseek-v3": Family("DeepseekV3Config", LATENT, **DEEPSEEK_STYLE),
    "gpt-oss": Family(
        "GptOssConfig",
        {"num_local_experts": 4, "num_experts_per_tok": 2, **SLIDING},
        HARMONY,
        ("<|endoftext|>", "<|start|>", "<|message|>", "<|end|>", "<|return|>"),
        "<|return|>",
        ends=(0, 4),
        unpacked="its attention uses s_aux",
    ),
}  # fmt: skip

# What bases are refused for, and what their templates may do besides.
BASES = FAMILIES | {
    "llama3.1": replace(FAMILIES["llama3"], template=LLAMA31),
    "r1": Family("Qwen2Config", {"head_dim": None}, R1),
    "no-template": Family("LlamaConfig", template=""),
    "no-end": Family(
        "LlamaConfig", template="{% for m in messages %}{{ m['content'] }}\n{% endfor %}", eos=None
    ),
}
