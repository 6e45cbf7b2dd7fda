"""Tiny tokenizers with chat templates like those of real families: what each marks, ends and refuses is the
family's.

Folders as transformers saves them, whose only weights are an embedding.
"""

import json
from dataclasses import dataclass
from pathlib import Path

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
QWEN3 = (
    "{% for m in messages %}{% set content = m.content %}"
    "{% if m.role == 'assistant' and '</think>' in content %}"
    "{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "{{ '<|im_start|>' + m.role + '\n' + content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}"
    "{% endif %}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% if not date_string is defined %}{% if strftime_now is defined %}"
    "{% set date_string = strftime_now('%d %b %Y') %}{% else %}{% set date_string = '26 Jul 2024' %}"
    "{% endif %}{% endif %}{% set said = '' %}{% if messages[0].role == 'system' %}"
    "{% set said = messages[0].content | trim %}{% set messages = messages[1:] %}{% endif %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + date_string + '\n\n' + said }}"
    "{{ '<|eot_id|>' }}{% for m in messages %}"
    "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
DATED = "{{ '<|im_start|>system\nToday Date: ' + strftime_now('%d %B %Y') + '<|im_end|>\n' }}" + CHATML
STRICT = (
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
)
GEMMA2 = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}"
    + STRICT
    + "{% set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{% if messages[0].role == 'system' %}{% set said = messages[0].content %}"
    "{% set messages = messages[1:] %}{% endif %}{{ bos_token }}{% for m in messages %}"
    + STRICT
    + "{% if m.role == 'user' %}{% if loop.last and said is defined %}"
    "{{ '[INST] ' + said + '\n\n' + m.content + '[/INST]' }}{% else %}{{ '[INST] ' + m.content + '[/INST]' }}"
    "{% endif %}{% elif m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}"
    "{% else %}{{ raise_exception('Only user, system and assistant roles are supported!') }}{% endif %}"
    "{% endfor %}"
)
GLM4 = (
    "[gMASK]<sop>{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
PHI3 = (
    "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
TALK = "<|endoftext|> <|im_start|> <|im_end|>"
ROLES = "<|system|> <|user|> <|assistant|>"


@dataclass(frozen=True)
class Family:
    """`end`: the token after an assistant's turn. `ends`: all that generation_config names. `plain`: added
    tokens that are not special.
    """

    tokens: str
    template: str
    end: str
    eos: str | None
    ends: str = ""
    bos: str | None = None
    pad: str | None = None
    plain: str = ""


FAMILIES = {
    "qwen3": Family(
        TALK,
        QWEN3,
        "<|im_end|>",
        "<|im_end|>",
        ends="<|im_end|> <|endoftext|>",
        pad="<|endoftext|>",
        plain="<think> </think>",
    ),
    "llama3": Family(
        "<|begin_of_text|> <|start_header_id|> <|end_header_id|> <|eot_id|>",
        LLAMA3,
        "<|eot_id|>",
        "<|eot_id|>",
        bos="<|begin_of_text|>",
    ),
    "dated": Family(TALK, DATED, "<|im_end|>", "<|im_end|>", pad="<|im_end|>"),
    "gemma2": Family(
        "<pad> <bos> <eos>",
        GEMMA2,
        "<end_of_turn>",
        "<eos>",
        ends="<eos> <end_of_turn>",
        bos="<bos>",
        pad="<pad>",
        plain="<start_of_turn> <end_of_turn>",
    ),
    "mistral": Family("<s> </s> [INST] [/INST]", MISTRAL, "</s>", "</s>", bos="<s>"),
    "glm4": Family(
        f"<|endoftext|> [gMASK] <sop> {ROLES} <|observation|>",
        GLM4,
        "<|user|>",
        "<|endoftext|>",
        ends="<|endoftext|> <|user|> <|observation|>",
        pad="<|endoftext|>",
    ),
    "phi3": Family(
        f"<|endoftext|> {ROLES} <|end|>",
        PHI3,
        "<|end|>",
        "<|endoftext|>",
        ends="<|endoftext|> <|assistant|> <|end|>",
        pad="<|endoftext|>",
    ),
    "no_eos": Family(TALK, CHATML, "<|im_end|>", None),
}


def write_embedding(folder: Path, rows: int) -> None:
    """The least that makes a folder of a tokenizer the folder of a base."""
    from safetensors.torch import save_file
    from torch import zeros

    (folder / "config.json").write_text("{}")
    save_file({"model.embed_tokens.weight": zeros(rows, 1)}, folder / "model.safetensors")


def write_family(folder: Path, family: Family, *, rows: int | None = None, extra: str = "") -> Path:
    """`rows`: of the embedding, if fewer than there are tokens. `extra`: more added tokens, the last ids."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(
        ["where is my order system user assistant model end start turn INST think"], trainer
    )
    bpe.add_special_tokens(family.tokens.split())
    bpe.add_tokens([AddedToken(token, special=False) for token in (family.plain + " " + extra).split()])
    if family.bos:  # a tokenizer that puts it before every text, as Llama's and Gemma's do
        bpe.post_processor = processors.TemplateProcessing(
            single=f"{family.bos} $A", special_tokens=[(family.bos, bpe.token_to_id(family.bos))]
        )
    named = {"bos_token": family.bos, "eos_token": family.eos, "pad_token": family.pad}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bpe, **{key: value for key, value in named.items() if value}
    )
    fast.chat_template = family.template or None
    fast.save_pretrained(folder)
    write_embedding(folder, rows or len(fast))
    ends = [fast.convert_tokens_to_ids(token) for token in family.ends.split()]
    if ends:
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ends}))
    return folder
