"""The replay set: what a file may hold, and figures against an independent computation."""

import hashlib
import json
import math

import pytest

from trainer.errors import RecipeRefused
from trainer.evaluation.replay_set import read_replay
from trainer.recipes.recipe import Measurement

ASKED = [{"role": "user", "content": "Where is my order 100 ?"}]
LINES = [
    {"messages": ASKED, "reply": "No ."},
    {"text": "Thank you for waiting , your refund is on its way ."},
    {"messages": ASKED},
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "general.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def test_a_file_is_named_by_its_bytes(file):
    found = read_replay(file)
    assert (found.name, len(found.lines)) == ("general.jsonl", 3)
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"text": "ab"}\n{"messages": []}', "line 2:"),
        ('{"reply": "ab"}', "line 1: give either messages or text"),
        ('{"text": "ab", "messages": [{"role": "user", "content": "a"}]}', "give either messages or text"),
        ("{", "line 1: Invalid JSON"),
        ("\n", "the file holds no line"),
    ],
)
def test_a_wrong_file_is_told_by_line(tmp_path, text, told):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(RecipeRefused, match=r"measurement\.replay") as refused:
        read_replay(path)
    assert told in str(refused.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RecipeRefused, match="No such file"):
        read_replay(tmp_path / "nowhere.jsonl")


@pytest.fixture(scope="module")
def scorer(base, trained):
    from trainer.evaluation.scoring import Scorer

    found = Scorer(base, threads=1)
    found.attach("adapter", trained.adapter_dir)
    return found


def test_figures_equal_those_of_the_whole_distribution(scorer, base, trained, file):
    """Token by token with plain transformers and peft, no batch and no cut head."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from trainer.data.tokens import encode_prompt
    from trainer.evaluation.replay import find_replay, measure_replay

    measurement = Measurement(replay=str(file), max_replay=2)
    found = measure_replay(
        scorer, find_replay(measurement, []), "adapter", measurement, max_length=128, seed=0
    )
    tokenizer = scorer.tokenizer
    prompt = encode_prompt(tokenizer, ASKED, {})
    reply = [*tokenizer("No .")["input_ids"], tokenizer.eos_token_id]
    text = tokenizer(LINES[1]["text"])["input_ids"]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), trained.adapter_dir)
    divergence, nats, nats_base, count = 0.0, 0.0, 0.0, 0
    for ids, start in ((prompt + reply, len(prompt)), (text, 1)):
        with torch.no_grad():
            tuned = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
            with model.disable_adapter():
                plain = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        for place in range(start, len(ids)):
            p, q = plain[place - 1], tuned[place - 1]
            divergence += float((p.exp() * (p - q)).sum())
            nats, nats_base, count = nats - float(q[ids[place]]), nats_base - float(p[ids[place]]), count + 1
    assert (found.rows, found.tokens, found.name) == (2, count, "general.jsonl")
    assert found.kl == pytest.approx(divergence / count, rel=1e-4) and found.kl > 0.001
    assert found.perplexity == pytest.approx(math.exp(nats / count), rel=1e-4)
    assert found.perplexity_base == pytest.approx(math.exp(nats_base / count), rel=1e-4)


def test_without_a_file_it_is_the_prompts_with_bases_own_replies(scorer):
    from trainer.evaluation.replay import find_replay, measure_replay

    measurement = Measurement(max_new_tokens=6)
    replay = find_replay(measurement, [ASKED, ASKED])
    one = measure_replay(scorer, replay, "adapter", measurement, max_length=128, seed=0)
    again = measure_replay(scorer, replay, "adapter", measurement, max_length=128, seed=0)
    assert (one.name, one.rows) == ("test split", 2) and 2 <= one.tokens <= 14
    assert one == again and len(one.sha256) == 64
    other = measure_replay(scorer, replay, "adapter", measurement, max_length=128, seed=1)
    assert other.sha256 != one.sha256


def test_lines_that_are_too_long_are_left_out(scorer, file):
    from trainer.evaluation.replay import find_replay, measure_replay

    measurement = Measurement(replay=str(file))
    replay = find_replay(measurement, [])
    assert measure_replay(scorer, replay, "adapter", measurement, max_length=8, seed=0) is None
