import json
import random
from pathlib import Path

import pytest
from safetensors import safe_open

from demo.build import MODEL_DIR
from demo.corpus import render
from demo.dialogues import draw_dialogue
from demo.grammar import is_broken
from demo.measure import sample_replies
from demo.prompts import FIXED_PROMPTS, fresh_prompts
from demo.seeds import SEED_CONVERSATIONS
from demo.tokenizer import build_tokenizer
from trainer.evaluation.scoring import Scorer


@pytest.fixture(scope="module")
def scorer():
    return Scorer(MODEL_DIR, threads=1)


def test_weights_are_small_and_finite():
    weights = MODEL_DIR / "model.safetensors"
    assert weights.stat().st_size <= 16_000_000
    with safe_open(weights, "pt") as tensors:
        names = list(tensors.keys())
        assert all(bool(tensors.get_tensor(name).isfinite().all()) for name in names)
    assert len(names) > 40


def test_committed_tokenizer_is_the_one_the_grammar_gives():
    committed = (MODEL_DIR / "tokenizer.json").read_text()
    assert json.loads(build_tokenizer().to_str()) == json.loads(committed)


def test_architecture_is_one_that_needs_no_own_code():
    config = json.loads((MODEL_DIR / "config.json").read_text())
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert config["max_position_embeddings"] >= 1024
    assert not list(Path(MODEL_DIR).glob("*.py"))


def test_training_rows_are_what_the_chat_template_renders(scorer):
    tokenizer = build_tokenizer()
    rng = random.Random(4)
    for _ in range(20):
        messages = draw_dialogue(rng, held_out=False).messages
        whole = scorer.tokenizer.apply_chat_template(messages, tokenize=False)
        prompt = scorer.tokenizer.apply_chat_template(
            messages[:-1], tokenize=False, add_generation_prompt=True
        )
        assert whole.startswith(prompt)
        assert (
            render(tokenizer, messages).ids == scorer.tokenizer(whole, add_special_tokens=False)["input_ids"]
        )


def test_greedy_replies_to_fixed_prompts_are_whole(scorer):
    replies = sample_replies(scorer, FIXED_PROMPTS, temperature=0.0)
    broken = [text for text, prompt in zip(replies, FIXED_PROMPTS, strict=True) if is_broken(text, prompt)]
    assert broken == []


def test_sampled_replies_are_rarely_broken_and_two_samples_mostly_differ(scorer):
    prompts = fresh_prompts(60, 11)
    first = sample_replies(scorer, prompts, temperature=0.8, seed=1)
    second = sample_replies(scorer, prompts, temperature=0.8, seed=2)
    assert sum(is_broken(text, prompt) for text, prompt in zip(first, prompts, strict=True)) <= 2
    assert sum(a != b for a, b in zip(first, second, strict=True)) >= 48
    assert sample_replies(scorer, prompts, temperature=0.8, seed=1) == first


def test_seed_conversations_are_answered(scorer):
    roles = {"customer": "user", "agent": "assistant"}
    prompts = [
        [{"role": roles[t["role"]], "content": t["text"]} for t in s["turns"]] for s in SEED_CONVERSATIONS
    ]
    replies = sample_replies(scorer, prompts, temperature=0.0)
    assert [is_broken(text, prompt) for text, prompt in zip(replies, prompts, strict=True)] == [False] * 12
