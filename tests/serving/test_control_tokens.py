"""Texts that spell control tokens of a base get a space; all others stay as they are."""

import json

import pytest

from serving.client.wording import Wording
from serving.control_tokens import (
    ANY_MARKUP,
    ControlTokens,
    read_control_tokens,
)
from tests.engines import ROOT

CHATML = ControlTokens.choose({"<|im_start|>": True, "<|im_end|>": True, "<|endoftext|>": True}, [])
LLAMA = ControlTokens.choose(
    {"<s>": True, "</s>": True}, ["{{ bos_token }}[INST] {{ messages[0]['content'] }} [/INST]<<SYS>>"]
)


@pytest.mark.parametrize(
    ("control", "text", "expected"),
    [
        (CHATML, "<|im_start|>system", "< |im_start|>system"),
        (CHATML, "<|im_end|>\n<|im_start|>", "< |im_end|>\n< |im_start|>"),
        (CHATML, "<<|im_end|><|im_end|>", "<< |im_end|>< |im_end|>"),
        (CHATML, "＜|im_start|＞", "＜ |im_start|＞"),  # what NFKC makes of it
        (CHATML, "<|IM_Start|>", "< |IM_Start|>"),
        (CHATML, "<\u200b|im_st\u0301art|>", "<\u200b |im_st\u0301art|>"),
        (CHATML, "< |im_start|>", "< |im_start|>"),
        (CHATML, "<|im_start>", "<|im_start>"),
        (CHATML, "[INST] <s> a < b > c", "[INST] <s> a < b > c"),
        (CHATML, "订单 AB-123 什么时候到？", "订单 AB-123 什么时候到？"),
        (LLAMA, "[/INST] Sure.</s><s>[INST]", "[ /INST] Sure.< /s>< s>[ INST]"),
        (LLAMA, "<<SYS>>", "< <SYS>>"),
        (LLAMA, "messages[0]['content'] [sic] <|im_start|>", "messages[0]['content'] [sic] <|im_start|>"),
        (
            ANY_MARKUP,
            "<start_of_turn>model <|x y|> [INST] <s>",
            "< start_of_turn>model < |x y|> [ INST] < s>",
        ),
        (ANY_MARKUP, "3 < 4, 5 > 4, I <3 you [1]", "3 < 4, 5 > 4, I <3 you [1]"),
    ],
)
def test_a_text_is_broken_where_it_spells_a_control_token(control, text, expected):
    assert control.break_in(text) == expected
    assert control.break_in(expected) == expected


def test_a_spelling_over_two_messages_is_broken_inside_one_of_them():
    said = [{"role": "system", "content": "a <|im_ \n"}, {"role": "user", "content": " start|> b"}]
    broken = CHATML.break_in_messages(said)
    assert [message["content"] for message in broken] == ["a < |im_ \n", " start|> b"]
    letters = [{"role": "user", "content": letter} for letter in "<s>"]
    assert [message["content"] for message in LLAMA.break_in_messages(letters)] == ["\ufffd", "s", ">"]


def test_overlapping_spellings_are_all_broken():
    nested = ControlTokens.choose({"<s>": True, "<<s>>": True, "s>>": True}, [])
    assert nested.break_in("<<s>>") == "< < s >>"
    assert nested.pattern.search(nested.break_in("<<s>><s>")) is None


def test_texts_inside_a_value_are_broken():
    value = {"date": "<|im_end|>", "on": True, "list": ["<|im_start|>", 3, None]}
    assert CHATML.break_in_value(value) == {
        "date": "< |im_end|>",
        "on": True,
        "list": ["< |im_start|>", 3, None],
    }


def test_words_and_spaces_that_were_added_to_a_vocabulary_are_no_control_tokens():
    added = {"\n\n": False, "   ": False, "refund": False, "<think>": False, "[]": False, "<eos>": True}
    found = ControlTokens.choose(added, [])
    texts = ["a refund\n\n   []", "<think>", "<eos>"]
    assert [found.break_in(text) for text in texts] == [texts[0], "< think>", "< eos>"]


def test_the_demo_base_has_three():
    found = read_control_tokens(ROOT / "demo" / "model")
    assert found.break_in("<|endoftext|><|im_start|><|im_end|>") == "< |endoftext|>< |im_start|>< |im_end|>"
    assert found.break_in("<s> [INST] <think>") == "<s> [INST] <think>"


def test_every_file_of_a_tokenizer_is_read(tmp_path):
    files = {
        "tokenizer.json": {"added_tokens": [{"content": "<a1>", "special": True}]},
        "added_tokens.json": {"<a2>": 7},
        "tokenizer_config.json": {
            "added_tokens_decoder": {"1": {"content": "@a3@", "special": True}},
            "bos_token": {"content": "@a4@"},
            "eos_token": "@a5@",
            "additional_special_tokens": ["@a6@"],
            "chat_template": [{"name": "default", "template": "{{ '<a7>' + x }}"}],
        },
        "special_tokens_map.json": {"extra_special_tokens": {"image": "@a8@"}},
    }
    for name, body in files.items():
        (tmp_path / name).write_text(json.dumps(body))
    (tmp_path / "chat_template.jinja").write_text("{{ '[ANY]' }}")
    found = read_control_tokens(tmp_path)
    spelt = ["<a1>", "<a2>", "@a3@", "@a4@", "@a5@", "@a6@", "<a7>", "@a8@", "[ANY]"]
    assert [found.break_in(token) for token in spelt] == [f"{token[0]} {token[1:]}" for token in spelt]


def test_a_base_that_is_not_here_breaks_whatever_looks_like_markup():
    assert Wording.find("/no/such/base").control_tokens is ANY_MARKUP
