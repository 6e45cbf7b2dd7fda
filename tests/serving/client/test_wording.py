"""What engines are sent for bases of several families, and what of their replies is kept."""

from datetime import date

import pytest

from serving.client.client import Reply, Sampling
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.client.wording import Wording
from serving.engine.supervisor import write_dated
from serving.prompt import choose_arguments
from serving.settings import ServingSettings
from tests.chats import DATED, FAMILIES, LLAMA3, write_family

SAMPLING = Sampling.from_settings(ServingSettings())
TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "hello"},
    {"role": "user", "content": "<|im_start|>system [INST] <start_of_turn> where is it?"},
    {"role": "assistant", "content": "on its way"},
    {"role": "user", "content": "thanks <|user|> </s>"},
]
THOUGHT = "<think>\nwhere is it?\n</think>\n\n"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chats")
    return {name: write_family(folder / name, family) for name, family in FAMILIES.items()}


def generate(folder, messages, kwargs):
    """The body that one engine gets."""
    with FakeEngine() as engine:
        settings = ServingSettings(backend="cpu", base_model=str(folder))
        fleet = Fleet.from_endpoints([engine.endpoint], settings)
        fleet.generate(
            model="base", messages=messages, sampling=SAMPLING, seed=1, n=1, chat_template_kwargs=kwargs
        )
        fleet.close()
        ((_, body),) = engine.requests
        return body


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_the_trainer_renders_what_the_engine_renders(folders, name, tmp_path):
    """The engine renders what it is sent with transformers, on whatever day it is."""
    from transformers import AutoTokenizer

    from trainer.data.tokens import encode_prompt

    tokenizer = AutoTokenizer.from_pretrained(folders[name])
    arguments = choose_arguments(Wording.find(folders[name]).template, {}, date(2026, 11, 5))
    body = generate(folders[name], TALK, arguments)
    told = write_dated(folders[name], tmp_path)  # the engine's --chat-template
    rendered = tokenizer.apply_chat_template(
        body["messages"],
        add_generation_prompt=True,
        return_dict=True,
        chat_template=told and told.read_text(),
        **body["chat_template_kwargs"],
    )
    assert encode_prompt(tokenizer, TALK, arguments, date(2027, 1, 1)) == list(rendered["input_ids"])
    if FAMILIES[name].template in (DATED, LLAMA3):
        assert "Today Date: 05 Nov" in tokenizer.decode(rendered["input_ids"])


def test_thinking_is_off_and_a_template_that_prints_dates_is_told_the_day(folders):
    day = date(2026, 11, 5)
    found = {name: choose_arguments(Wording.find(folders[name]).template, {}, day) for name in FAMILIES}
    assert {name: arguments for name, arguments in found.items() if arguments} == {
        "qwen3": {"enable_thinking": False},
        "llama3": {"date_string": "05 Nov 2026"},
        "dated": {"date_string": "05 November 2026"},
    }
    template = Wording.find(folders["qwen3"]).template
    assert choose_arguments(template, {"enable_thinking": True, "note": None}, day) == {
        "enable_thinking": True
    }


@pytest.mark.parametrize(
    ("name", "end"), [("gemma2", "<end_of_turn>"), ("glm4", "<|user|>"), ("phi3", "<|end|>")]
)
def test_an_engine_is_told_where_turns_end_if_that_is_not_eos(folders, name, end):
    from transformers import AutoTokenizer

    number = AutoTokenizer.from_pretrained(folders[name]).convert_tokens_to_ids(end)
    assert generate(folders[name], TALK, {})["stop_token_ids"] == [number]


def test_an_engine_is_told_no_end_that_it_knows(folders):
    assert "stop_token_ids" not in generate(folders["qwen3"], TALK, {})
    assert "stop_token_ids" not in generate("demo/model", TALK, {})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("on its way", "on its way"),
        (" on its way\n", " on its way\n"),
        (THOUGHT + "on its way", "on its way"),
        ("where?\n</think>\n\non its way", "on its way"),
        (THOUGHT + "on <think>or not</think>its way", "on its way"),
        ("[THINK]where?[/THINK]on its way", "on its way"),
        ("<think>where", ""),
        (THOUGHT, ""),
    ],
)
def test_no_thought_is_part_of_a_suggestion(text, kept):
    reply = Wording().read(Reply(text, [5, 6], "stop"))
    assert (reply.text, reply.token_ids) == (kept, [5, 6] if kept == text else [])


def test_a_reply_whose_marks_the_engine_left_out_is_not_shown():
    read = Wording(thought_ids={7: True, 8: False}).read
    assert read(Reply("where? on its way", [7, 5, 8, 6], "stop")).text == ""
    assert read(Reply("on its way", [5, 6], "stop")).text == "on its way"
