"""What a line may look like, and the reason for each that may not."""

import pytest

from feedback.records.rejections import REASONS, Refusal, explain
from feedback.records.schemas import (
    FORMS,
    ChoiceForm,
    ConversationForm,
    PairForm,
    ThumbForm,
    conversation_of,
    read_form,
)

USER = {"role": "user", "content": "Where is it?"}
REPLY = {"role": "assistant", "content": "On its way."}
CHOICE = {"prompt": [USER], "candidates": [{"text": "a"}, {"text": "b"}], "picked": [0]}
PAIR = {"prompt": [USER], "chosen": [REPLY], "rejected": [{"role": "assistant", "content": "No."}]}
THUMB = {"prompt": [USER], "completion": [REPLY], "label": True}
TALK = {"turns": [{"role": "customer", "text": "Hello"}]}


def without(body, key):
    return {name: value for name, value in body.items() if name != key}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (CHOICE, "pick"),
        (CHOICE | {"picked": [1, 0, 1]}, "tie"),
        (CHOICE | {"edited": "c"}, "edit"),
        (CHOICE | {"picked": [], "own": "c"}, "own"),
        (without(CHOICE, "picked") | {"own": "c"}, "own"),
        (CHOICE | {"edited": None, "own": None, "extra": {"any": 1}}, "pick"),
    ],
)
def test_a_missing_kind_follows_from_the_fields(body, kind):
    assert read_form(ChoiceForm, body).kind == kind


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("choices", without(CHOICE, "prompt"), "missing_field:prompt"),
        ("choices", without(CHOICE, "candidates"), "missing_field:candidates"),
        ("choices", without(CHOICE, "picked"), "nothing_picked"),
        ("choices", CHOICE | {"prompt": "hello"}, "wrong_type:prompt"),
        ("choices", CHOICE | {"prompt": []}, "empty_prompt"),
        ("choices", CHOICE | {"prompt": [USER, REPLY]}, "prompt_not_from_user"),
        ("choices", CHOICE | {"prompt": [USER | {"content": " \n"}]}, "blank_prompt"),
        ("choices", CHOICE | {"prompt": [USER | {"role": "customer"}]}, "unknown_role"),
        ("choices", CHOICE | {"candidates": [{"text": 1}, {"text": "b"}]}, "wrong_type:candidates.text"),
        ("choices", CHOICE | {"candidates": [{}, {"text": "b"}]}, "missing_field:candidates.text"),
        ("choices", CHOICE | {"picked": [2]}, "picked_out_of_range"),
        ("choices", CHOICE | {"picked": [-1]}, "picked_out_of_range"),
        ("choices", CHOICE | {"picked": 0}, "wrong_type:picked"),
        ("choices", CHOICE | {"picked": [True]}, "wrong_type:picked"),
        ("choices", CHOICE | {"picked": ["0"]}, "wrong_type:picked"),
        ("choices", CHOICE | {"kind": "best"}, "unknown_kind"),
        ("choices", CHOICE | {"kind": "own"}, "kind_mismatch"),
        ("choices", CHOICE | {"kind": "edit"}, "kind_mismatch"),
        ("choices", CHOICE | {"kind": "tie"}, "kind_mismatch"),
        ("choices", CHOICE | {"kind": "pick", "picked": [0, 1]}, "kind_mismatch"),
        ("choices", CHOICE | {"kind": "pick", "own": "c"}, "kind_mismatch"),
        ("choices", CHOICE | {"edited": "c", "picked": []}, "nothing_picked"),
        ("choices", CHOICE | {"edited": "c", "picked": [0, 1]}, "kind_mismatch"),
        ("choices", CHOICE | {"weight": 0}, "wrong_type:weight"),
        ("choices", CHOICE | {"weight": "1"}, "wrong_type:weight"),
        ("choices", CHOICE | {"at": "yesterday"}, "bad_time"),
        ("choices", CHOICE | {"at": 1700000000}, "wrong_type:at"),
        ("choices", CHOICE | {"id": 7}, "wrong_type:id"),
        ("choices", CHOICE | {"tags": "a"}, "wrong_type:tags"),
        ("pairs", without(PAIR, "rejected"), "missing_field:rejected"),
        ("pairs", PAIR | {"rejected": PAIR["chosen"]}, "equal_texts"),
        ("pairs", PAIR | {"chosen": []}, "wrong_type:chosen"),
        ("pairs", PAIR | {"chosen": [USER]}, "unknown_role"),
        ("pairs", PAIR | {"chosen": [REPLY | {"content": ""}]}, "blank_text"),
        ("pairs", PAIR | {"chosen": [REPLY, USER, REPLY]}, "several_messages"),
        ("pairs", PAIR | {"rejected": [REPLY, REPLY]}, "several_messages"),
        ("thumbs", without(THUMB, "label"), "missing_field:label"),
        ("thumbs", THUMB | {"completion": [REPLY, REPLY]}, "several_messages"),
        ("thumbs", THUMB | {"label": 1}, "wrong_type:label"),
        ("thumbs", THUMB | {"label": None}, "wrong_type:label"),
        ("thumbs", THUMB | {"completion": [REPLY | {"content": "\t"}]}, "blank_text"),
        ("conversations", {"turns": []}, "no_turns"),
        ("conversations", {"turns": [{"role": "customer", "text": " "}]}, "blank_text"),
        ("conversations", {"turns": [{"role": "user", "text": "a"}]}, "unknown_role"),
        ("conversations", {"turns": [{"role": "agent", "text": "a", "ts": 1e300}]}, "bad_time"),
        ("conversations", {"turns": [{"role": "agent", "text": "a", "ts": "now"}]}, "wrong_type:turns.ts"),
        ("conversations", {"id": "c"}, "missing_field:turns"),
    ],
)
def test_every_fault_has_a_reason(kind, body, reason):
    refusal = read_form(FORMS[kind], body)
    assert isinstance(refusal, Refusal) and refusal.reason == reason
    assert explain(reason) and (":" in reason or reason in REASONS)


@pytest.mark.parametrize(
    ("form", "body"), [(ChoiceForm, CHOICE), (PairForm, PAIR), (ThumbForm, THUMB), (ConversationForm, TALK)]
)
def test_unknown_fields_are_no_fault(form, body):
    assert not isinstance(read_form(form, body | {"meta": {"a": 1}, "survey": []}), Refusal)


def test_a_tool_result_may_end_a_prompt():
    body = THUMB | {"prompt": [USER, {"role": "tool", "content": "{}"}]}
    assert not isinstance(read_form(ThumbForm, body), Refusal)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-05-13T13:15:14+00:00", "2020-05-13T13:15:14Z"),
        ("2020-05-13T15:15:14+02:00", "2020-05-13T13:15:14Z"),
        ("2020-05-13T13:15:14", "2020-05-13T13:15:14Z"),
        ("2020-05-13", "2020-05-13T00:00:00Z"),
    ],
)
def test_times_are_utc(text, expected):
    assert read_form(ChoiceForm, CHOICE | {"at": text}).to_record()["at"] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": "star-1-e4"}, "star-1"),
        ({"id": "star-1-e4", "conversation": "c"}, "c"),
        ({"id": "x-1", "group": "g"}, "g"),
        ({"id": "x-1", "meta": {"group": "m"}}, "m"),
        ({"id": "x-1-p", "meta": {"dialogue_id": "x"}}, "x"),
        ({"id": "single"}, "single"),
        ({"id": "-1"}, "-1"),
        ({}, "identity"),
    ],
)
def test_the_conversation_is_stated_or_the_id_up_to_its_last_dash(body, expected):
    assert conversation_of(body, "identity") == expected
