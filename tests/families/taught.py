"""Tiny bases that answer: a family's model, taught a few short replies that end as the family ends a turn.

An engine needs replies with an end. What is asked is of no account to them.
"""

import random
from dataclasses import replace
from pathlib import Path

from demo.prompts import FIXED_PROMPTS
from tests.families.models import build_family
from tests.families.table import FAMILIES, QWEN3, Family
from tests.trainer.tiny import QUESTIONS, WARM

STEPS = 500
# About as long as the warm ones: a gate refuses replies that grow much longer than the base's.
COLD = ["Read the page first , then ask me again .", "Where is your order number ? No number , no help ."]
WIDER = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 2, "num_key_value_heads": 1,
         "head_dim": 32, "max_position_embeddings": 4096, "initializer_range": 0.02}  # fmt: skip


# Thinks unless told not to, and prints today's date without taking one as an argument, as SmolLM3 does.
THINKER = replace(
    FAMILIES["qwen3"],
    template="{{ '<|im_start|>system\nToday Date: ' + strftime_now('%d %B %Y') + '<|im_end|>\n' }}" + QWEN3,
)


def build_taught(folder: Path, family: Family, thought: str = "") -> Path:
    """Writes the base of a family; its heads are as wide as engines on a CPU take them. With a `thought`,
    replies begin with it wherever the template's switch does not turn thinking off.
    """
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)  # two would wait for each other at every one of these small products
    taken_away = {key for key, value in family.values.items() if value is None}
    wider = {key: value for key, value in WIDER.items() if key not in taken_away}
    build_family(folder, replace(family, values={**family.values, **wider}))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    end = family.ends[-1] if family.ends else tokenizer.eos_token_id
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    draw = random.Random(0)
    asked = [[{"role": "user", "content": question}] for question in QUESTIONS]
    asked += [[dict(message) for message in messages] for messages in FIXED_PROMPTS]
    for step in range(2 * STEPS if thought else STEPS):
        switch = {"enable_thinking": False} if thought and step % 2 else {}
        prompt = tokenizer.apply_chat_template(
            draw.choice(asked), add_generation_prompt=True, tokenize=True, return_dict=True, **switch
        )["input_ids"]
        text = ("" if switch else thought) + draw.choice([*COLD, *COLD, *WARM])
        reply = [*tokenizer(text, add_special_tokens=False)["input_ids"], end]
        logits = model(input_ids=torch.tensor([[*prompt, *reply]])).logits[0]
        loss = cross_entropy(logits[len(prompt) - 1 : -1], torch.tensor(reply))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    return folder
