"""A tiny random Qwen2 with its own tokenizer, and small datasets in the forms of the store: real parts, a
second to make.
"""

import json
from pathlib import Path
from typing import Any

from trainer.packing.tolerance import find_tolerance

WARM = [
    "I am sorry to hear that , let me help you at once .",
    "Thank you for waiting , your refund is on its way .",
]
CURT = ["No .", "Read the page ."]
QUESTIONS = [f"Where is my order {number} ?" for number in range(100, 160)]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_base(folder: Path) -> Path:
    """Weights drawn from a fixed seed, saved as the demo model is."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WARM + CURT + QUESTIONS + ["system user assistant\n"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.float32).save_pretrained(folder)
    return folder


def make_choice(number: int, split: str, *, kind: str = "pick", slot: int | None = None) -> dict[str, Any]:
    """Four candidates, two warm and two curt, warm picked; the warm ones move through the slots."""
    first = number % 4 if slot is None else slot
    texts = [*CURT, *CURT]
    texts = [f"{text} {number}" if place >= 2 else text for place, text in enumerate(texts)]
    texts[first] = WARM[number % 2]
    return {
        "id": f"c{number}-1",
        "conversation": f"c{number}",
        "prompt": [{"role": "user", "content": QUESTIONS[number % len(QUESTIONS)]}],
        "candidates": [{"text": text} for text in texts],
        "kind": kind,
        "picked": [first],
        "edited": None,
        "own": None,
        "tags": [],
        "weight": 1.0,
        "at": "2026-11-01T00:00:00Z",
        "split": split,
    }


def derive_pairs(choice: dict[str, Any]) -> list[dict[str, Any]]:
    picked = choice["picked"][0]
    return [
        {
            "id": f"{choice['id']}-{place}",
            "prompt": choice["prompt"],
            "chosen": [{"role": "assistant", "content": choice["candidates"][picked]["text"]}],
            "rejected": [{"role": "assistant", "content": candidate["text"]}],
            "group": choice["conversation"],
            "weight": choice["weight"],
            "chat_template_kwargs": {},
            "split": choice["split"],
        }
        for place, candidate in enumerate(choice["candidates"])
        if place != picked
    ]


def make_dataset(folder: Path, *, train: int = 24, validation: int = 24, test: int = 24) -> Path:
    """choices.jsonl and pairs.jsonl, conversations numbered through the splits."""
    folder.mkdir(parents=True, exist_ok=True)
    splits = ["train"] * train + ["validation"] * validation + ["test"] * test
    choices = [make_choice(number, split) for number, split in enumerate(splits)]
    write_lines(folder / "choices.jsonl", choices)
    write_lines(folder / "pairs.jsonl", [pair for choice in choices for pair in derive_pairs(choice)])
    write_lines(folder / "thumbs.jsonl", [])
    return folder


def weigh_unequally(dataset: Path, folder: Path) -> Path:
    """The same choices with weights of 1, 0.5, 0.25 and 2 in turn, and no pairs."""
    folder.mkdir()
    lines = [json.loads(line) for line in (dataset / "choices.jsonl").read_text().splitlines()]
    weights = (1.0, 0.5, 0.25, 2.0)
    write_lines(folder / "choices.jsonl", [line | {"weight": weights[n % 4]} for n, line in enumerate(lines)])
    for name in ("pairs", "thumbs"):
        write_lines(folder / f"{name}.jsonl", [])
    return folder


def find_rounding(dataset: Path, base: Path) -> float:
    """Nats by which rounding may move the log-probability of the dataset's longest reply."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    lines = (json.loads(line) for line in (dataset / "choices.jsonl").read_text().splitlines())
    texts = {candidate["text"] for line in lines for candidate in line["candidates"]}
    longest = max(len(tokenizer(text)["input_ids"]) for text in texts) + 1  # the reply's end
    return find_tolerance(longest, exact=True)


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
