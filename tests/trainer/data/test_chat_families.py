"""Prompts and replies of eight families: as their templates write them, with one end each."""

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from demo.prompts import fresh_prompts
from serving.control_tokens import read_control_tokens
from tests.chats import FAMILIES, Family, write_family
from tests.engines import ROOT
from tests.trainer.data.test_tokens import TEXTS, control_ids
from trainer.data.chat import choose_control_tokens, read_chat
from trainer.data.tokens import Encoder, encode_prompt, encode_reply
from trainer.errors import BaseWithoutChat, TextRefused
from trainer.evaluation.guards.sets import OURS, read_guards

NAMES = sorted(FAMILIES)
SYSTEM, USER, REPLY = (
    {"role": role, "content": text}
    for role, text in (("system", "Be kind."), ("user", "where is my order"), ("assistant", "on its way"))
)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chats")
    return {
        name: AutoTokenizer.from_pretrained(write_family(folder / name, family))
        for name, family in FAMILIES.items()
    }


def render(tokenizer, messages, **kwargs):
    return tokenizer.decode(encode_prompt(tokenizer, messages, {}, **kwargs))


@pytest.mark.parametrize("name", NAMES)
def test_a_reply_ends_as_the_template_ends_a_turn(tokenizers, name):
    tokenizer = tokenizers[name]
    end = tokenizer.convert_tokens_to_ids(FAMILIES[name].end)
    text = tokenizer("on its way", add_special_tokens=False)["input_ids"]
    assert encode_reply(tokenizer, "on its way") == [*text, end]


@pytest.mark.parametrize("name", NAMES)
def test_generated_and_written_replies_have_one_and_the_same_end(tokenizers, name):
    tokenizer = tokenizers[name]
    encoder = Encoder(tokenizer, "b")
    written = encoder.encode_reply("on its way")
    ends = {*FAMILIES[name].ends.split(), FAMILIES[name].end, FAMILIES[name].eos} - {None}
    for end in map(tokenizer.convert_tokens_to_ids, sorted(ends)):
        assert encoder.encode_reply("on its way", [*written[:-1], end], "b") == written
    assert encoder.encode_reply("on its way", list(written[:-1]), "b") == written


@pytest.mark.parametrize("name", NAMES)
def test_every_guard_prompt_is_rendered(tokenizers, name):
    for guard in read_guards([OURS]).guards:
        assert len(encode_prompt(tokenizers[name], guard.prompt, {})) > 10


@pytest.mark.parametrize("name", NAMES)
def test_what_the_system_says_is_never_lost(tokenizers, name):
    assert "Be kind." in render(tokenizers[name], [SYSTEM, USER])


@pytest.mark.parametrize("name", ["gemma2", "llama3", "mistral"])
def test_a_prompt_has_its_first_token_once(tokenizers, name):
    tokenizer = tokenizers[name]
    ids = encode_prompt(tokenizer, [SYSTEM, USER, REPLY, USER], {})
    assert ids[0] == tokenizer.bos_token_id and ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.bos_token_id not in encode_reply(tokenizer, "on its way")


def test_system_text_stands_before_the_first_customer_text_where_there_is_no_system_role(tokenizers):
    assert render(tokenizers["gemma2"], [SYSTEM, USER, REPLY, USER]) == (
        "<bos><start_of_turn>user\nBe kind.\n\nwhere is my order<end_of_turn>\n"
        "<start_of_turn>model\non its way<end_of_turn>\n"
        "<start_of_turn>user\nwhere is my order<end_of_turn>\n<start_of_turn>model\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_of_one_role_are_one_message(tokenizers, name):
    parts = [{"role": "user", "content": text} for text in ("hello", "where is my order")]
    whole = {"role": "user", "content": "hello\nwhere is my order"}
    assert encode_prompt(tokenizers[name], [SYSTEM, *parts], {}) == encode_prompt(
        tokenizers[name], [SYSTEM, whole], {}
    )


@pytest.mark.parametrize("name", ["gemma2", "mistral"])
def test_a_conversation_begins_with_the_customer_where_roles_alternate(tokenizers, name):
    tokenizer = tokenizers[name]
    assert encode_prompt(tokenizer, [REPLY, USER], {}) == encode_prompt(tokenizer, [USER], {})
    assert encode_prompt(tokenizer, [SYSTEM, REPLY, USER], {}) == encode_prompt(tokenizer, [SYSTEM, USER], {})


def test_thinking_is_off_unless_it_is_asked_for(tokenizers):
    tokenizer = tokenizers["qwen3"]
    assert render(tokenizer, [USER]).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert encode_prompt(tokenizer, [USER], {"enable_thinking": None}) == encode_prompt(tokenizer, [USER], {})
    asked = tokenizer.decode(encode_prompt(tokenizer, [USER], {"enable_thinking": True}))
    assert asked.endswith("<|im_start|>assistant\n")


def test_no_thought_is_trained_on(tokenizers):
    tokenizer = tokenizers["qwen3"]
    thought = "<think>\nwhere is it?\n</think>\n\non its way"
    assert encode_reply(tokenizer, thought) == encode_reply(tokenizer, "on its way")
    stored = tokenizer(thought, add_special_tokens=False)["input_ids"]
    assert Encoder(tokenizer, "b").encode_reply(thought, stored, "b") == tuple(
        encode_reply(tokenizer, "on its way")
    )
    with pytest.raises(TextRefused) as refused:
        encode_reply(tokenizer, "<think>where")
    assert refused.value.reason == "thoughts_alone"


@pytest.mark.parametrize(("name", "printed"), [("llama3", "05 Nov 2026"), ("dated", "05 November 2026")])
def test_a_template_that_prints_the_date_prints_that_of_the_turn(tokenizers, name, printed):
    tokenizer = tokenizers[name]
    assert f"Today Date: {printed}" in render(tokenizer, [USER], day=date(2026, 11, 5))
    assert "Today Date: 01 Jan" in render(tokenizer, [USER])


@pytest.mark.parametrize("name", ["dated", "llama3"])  # the second one has no pad at all
def test_a_pad_that_is_the_end_of_a_turn_ends_replies_all_the_same(tokenizers, name):
    tokenizer = tokenizers[name]
    chat = read_chat(tokenizer)
    assert chat.pad == chat.end == tokenizer.convert_tokens_to_ids(FAMILIES[name].end)
    reply = encode_reply(tokenizer, "on its way")
    assert reply[-1] == chat.end and reply.count(chat.end) == 1


def test_a_tokenizer_without_eos_ends_replies_as_its_template_does(tokenizers):
    chat, tokenizer = read_chat(tokenizers["no_eos"]), tokenizers["no_eos"]
    assert tokenizer.eos_token_id is None
    assert chat.end == chat.pad == tokenizer.convert_tokens_to_ids("<|im_end|>")


@pytest.mark.parametrize(
    ("family", "remedy"),
    [
        (Family("<eos>", "", "<eos>", "<eos>"), "instruct model"),
        (
            Family("", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", "", None),
            "eos_token",
        ),
    ],
    ids=["no template", "no end"],
)
def test_a_base_that_cannot_hold_a_conversation_is_refused_with_the_remedy(tmp_path, family, remedy):
    tokenizer = AutoTokenizer.from_pretrained(write_family(tmp_path / "base", family))
    with pytest.raises(BaseWithoutChat, match=remedy):
        Encoder(tokenizer, "b")


def test_a_token_without_a_row_in_the_embedding_refuses_its_line(tmp_path):
    write_family(tmp_path / "base", FAMILIES["no_eos"], extra="parcelshop", rows=1)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    beyond = tokenizer.convert_tokens_to_ids("parcelshop")
    write_family(tmp_path / "base", FAMILIES["no_eos"], extra="parcelshop", rows=beyond)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert encode_reply(tokenizer, "the parcel")
    for encode in (
        lambda: encode_reply(tokenizer, "the parcelshop"),
        lambda: encode_prompt(tokenizer, [{"role": "user", "content": "parcelshop?"}], {}),
    ):
        with pytest.raises(TextRefused) as refused:
            encode()
        assert refused.value.reason == "unknown_token"
    encoder = Encoder(tokenizer, "b")
    assert encoder.encode_reply("on its way", [beyond], "b") == encoder.encode_reply("on its way")


@pytest.mark.parametrize("name", NAMES)
def test_files_and_loaded_tokenizer_name_the_same_control_tokens(tokenizers, name):
    tokenizer = tokenizers[name]
    assert read_control_tokens(Path(tokenizer.name_or_path)) == choose_control_tokens(tokenizer)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(TEXTS, st.lists(st.sampled_from(sorted({
    token for family in FAMILIES.values() for token in f"{family.tokens} {family.plain}".split()
})), min_size=1, max_size=3).map("".join)))  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_no_text_becomes_a_control_token(tokenizers, name, text):
    tokenizer = tokenizers[name]
    shape = [("system", "a"), ("user", "a"), ("assistant", "a"), ("user", "a")]
    harmless = [{"role": role, "content": content} for role, content in shape]
    hostile = [message | {"content": "a" + text} for message in harmless]
    asked = encode_prompt(tokenizer, hostile, {})
    assert control_ids(tokenizer, asked) == control_ids(tokenizer, encode_prompt(tokenizer, harmless, {}))
    reply = "a" + text.replace("think", "thin")  # a thought would be cut off
    assert control_ids(tokenizer, encode_reply(tokenizer, reply)) == [read_chat(tokenizer).end]


def test_prompts_of_the_shipped_base_stay_as_they_are():
    """The digest is that of the version before templates of other families were known."""
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "demo" / "model")
    digest = sha256()
    for prompt in fresh_prompts(500, 7):
        digest.update(str(encode_prompt(tokenizer, prompt, {})).encode())
        digest.update(str(encode_reply(tokenizer, prompt[-1]["content"])).encode())
    assert digest.hexdigest() == "288f4797fd2233004557d13080592ef99db0455f3a9b76e6a4991b36872108a8"
