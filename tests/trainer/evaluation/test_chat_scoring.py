"""Drawing and measuring with bases that end turns on another token than EOS, think, or refuse messages."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import AutoTokenizer

from feedback.records.schemas import ChatMessage
from tests.chats import FAMILIES, write_family
from trainer.data.tokens import encode_prompt
from trainer.evaluation.generate import as_row, encode_prompts
from trainer.evaluation.replay import measure_replay
from trainer.evaluation.replay_set import ReplayLine, ReplaySet
from trainer.evaluation.scoring import Scorer
from trainer.recipes.recipe import Measurement

ASKED = [{"role": "user", "content": "where is my order"}]
CALLED = [{"role": "assistant", "content": "I look."}, {"role": "tool", "content": "no parcel"}]


def write_base(folder: Path, family: str, favourite: str) -> Path:
    """A model that says one token and no other, whatever it is asked: the bias of its head sees to it."""
    import torch
    from transformers import PhiConfig, PhiForCausalLM

    write_family(folder, FAMILIES[family])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    generation = (folder / "generation_config.json").read_bytes()
    torch.manual_seed(0)
    model = PhiForCausalLM(
        PhiConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=None,
            eos_token_id=None,
        )
    )
    model.lm_head.bias.data[tokenizer.convert_tokens_to_ids(favourite)] = 1000.0
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_bytes(generation)
    return folder


@pytest.mark.parametrize(
    ("family", "end"), [("gemma2", "<end_of_turn>"), ("glm4", "<|user|>"), ("glm4", "<|observation|>")]
)
def test_every_token_that_ends_a_turn_ends_a_generated_reply(tmp_path, family, end):
    scorer = Scorer(write_base(tmp_path, family, end), threads=1)
    prompt = encode_prompt(scorer.tokenizer, ASKED, {})
    ((reply,),) = scorer.generate([prompt], None, max_new_tokens=4)
    number = scorer.tokenizer.convert_tokens_to_ids(end)
    assert (reply.text, reply.token_ids, reply.finished, reply.end) == ("", (), True, number)
    assert as_row(prompt, reply).reply_ids == [number]


def test_a_reply_that_no_token_ends_is_unfinished(tmp_path):
    scorer = Scorer(write_base(tmp_path, "gemma2", "a"), threads=1)
    ((reply,),) = scorer.generate([encode_prompt(scorer.tokenizer, ASKED, {})], None, max_new_tokens=4)
    assert (reply.text, reply.finished) == ("aaaa", False)


def test_thoughts_are_no_part_of_a_generated_reply(tmp_path):
    scorer = Scorer(write_base(tmp_path, "qwen3", "a"), threads=1)
    begin, end, stop = map(scorer.tokenizer.convert_tokens_to_ids, ("<think>", "</think>", "<|im_end|>"))
    a, b = (scorer.tokenizer(text)["input_ids"][0] for text in "ab")
    assert scorer._read_reply([begin, a, a, end, b, stop]).text == "b"
    assert scorer._read_reply([a, end, b, stop]).text == "b"
    assert scorer._read_reply([begin, a, a, a, a]).text == ""


def test_what_is_asked_is_rendered_as_sets_are_and_what_cannot_be_is_left_out(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(write_family(tmp_path / "qwen3", FAMILIES["qwen3"]))
    scorer = SimpleNamespace(tokenizer=tokenizer, template_kwargs={"enable_thinking": True})
    assert encode_prompts(scorer, [ASKED], lambda one: one) == (
        [ASKED],
        [encode_prompt(tokenizer, ASKED, {"enable_thinking": True})],
    )
    gemma = AutoTokenizer.from_pretrained(write_family(tmp_path / "gemma2", FAMILIES["gemma2"]))
    scorer = SimpleNamespace(tokenizer=gemma, template_kwargs={})
    refused = [*ASKED, *CALLED]
    assert encode_prompts(scorer, [refused, ASKED], lambda one: one)[0] == [ASKED]


def test_a_replay_line_that_the_template_refuses_is_left_out(tmp_path, monkeypatch):
    scorer = Scorer(write_base(tmp_path, "gemma2", "a"), threads=1)
    monkeypatch.setattr(scorer, "diverge", lambda rows, adapter: SimpleNamespace(
        tokens=len(rows), kl=0.0, base_nats=0.0, tuned_nats=0.0
    ))  # fmt: skip
    good = ReplayLine(messages=tuple(map(ChatMessage.model_validate, ASKED)), reply="on its way")
    bad = ReplayLine(messages=tuple(map(ChatMessage.model_validate, [*ASKED, *CALLED])), reply="on its way")
    found = measure_replay(
        scorer, ReplaySet("set", (bad, good), None), "adapter", Measurement(), max_length=512, seed=0
    )
    assert found is not None and found.rows == 1
