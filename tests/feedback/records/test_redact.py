"""Personal data becomes surrogates of the same shape; everything else stays, sign by sign."""

import re
import stat
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from feedback.canonical import canonical_json
from feedback.records.numbers import check_card, check_resident, digits_of, resident_check
from feedback.records.personal import find_personal
from feedback.records.redact import Redactor, open_redactor, redact_record
from feedback.records.schemas import ChoiceForm

REDACTOR = Redactor(b"k" * 32)
# Numbers of nobody: a test card of the networks, the identity number in the standard's own example.
CARD = "4111 1111 1111 1111"
IDENTITY = "11010519491231002X"


def redact(text, conversation="c1"):
    return REDACTOR.redact(text, conversation)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (
            "write to Ann.Lee+shop@mail.example.co.uk!",
            r"write to [A-Z][a-z]{2}\.[A-Z][a-z]{2}\+[a-z]{4}@example\.\w{3}!",
        ),
        ("我的手机号是13812345678，谢谢", r"我的手机号是1[3-9]\d{9}，谢谢"),
        ("１３８１２３４５６７８", r"1[3-9]\d{9}"),
        ("138-1234-5678 or 138 1234 5678", r"1\d\d-\d{4}-\d{4} or 1\d\d \d{4} \d{4}"),
        ("call +86 138 1234 5678", r"call \+86 13\d \d{4} \d{4}"),
        ("call +44 20 7946 0958.", r"call \+44 20 \d{4} \d{4}\."),
        ("(555) 123-4567 and 555-123-4567", r"\(55\d\) \d{3}-\d{4} and 55\d-\d{3}-\d{4}"),
        ("电话 010-12345678", r"电话 01\d-\d{8}"),
        ("my phone number is 5551234567", r"my phone number is 55\d{8}"),
        (f"card {CARD}, thanks", r"card 4\d{3} \d{4} \d{4} \d{4}, thanks"),
        (f"身份证{IDENTITY}。", r"身份证[1-9]\d{16}[\dX]。"),
    ],
)
def test_the_surrogate_has_the_same_shape_and_is_another(text, shape):
    assert re.fullmatch(shape, redact(text)), redact(text)
    assert redact(text) != text


@pytest.mark.parametrize(
    "text",
    [
        "order number 5551234567",
        "Order #5551234567890123",
        "订单号：23812345678",
        "My order is A-1042, ordered on 2026-11-22 at 10:30.",
        "parcel 1Z999AA10123456784, SN13812345678",
        "4111 1111 1111 1112 is no card",
        "110105194912310021 is no identity number",
        "It costs 1,299.00 and 20261122-0001 is the invoice.",
        "a@b is no address, and neither is @home",
        "You are 1 of 12345678 customers.",
    ],
)
def test_order_numbers_and_other_numbers_stay(text):
    assert redact(text) == text


def test_an_order_number_that_is_a_card_or_a_mobile_is_none():
    assert not redact("Order #4111111111111111").endswith("4111111111111111")
    assert not redact("订单号：13812345678").endswith("13812345678")


def test_a_value_has_one_surrogate_in_its_conversation_and_another_elsewhere():
    first, again = re.findall(r"1\d{10}", redact("13812345678, I repeat 13812345678"))
    spaced = redact("138 1234 5678").replace(" ", "")
    with_country = redact("+86 13812345678").removeprefix("+86 ")
    assert first == again == spaced == with_country
    assert redact("13812345678", "c2") != first
    assert Redactor(b"z" * 32).redact("13812345678", "c1") != first
    assert redact("Ann@mail.example").casefold() == redact("ann@MAIL.example").casefold()


def test_check_sums_hold_for_surrogates():
    assert check_card(digits_of(redact(CARD)))
    assert check_resident(redact(IDENTITY))


digits = st.integers(0, 9)
sentences = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)


@st.composite
def cards(draw):
    body = "4" + "".join(map(str, draw(st.lists(digits, min_size=14, max_size=14))))
    return body + luhn.calc_check_digit(body)


@st.composite
def identities(draw):
    region = draw(st.integers(110_000, 659_999))
    born = draw(st.dates(date(1900, 1, 1), date(2026, 1, 1)))
    body = f"{region}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return body + resident_check(body)


@st.composite
def mobiles(draw):
    return f"1{draw(st.integers(3, 9))}" + "".join(map(str, draw(st.lists(digits, min_size=9, max_size=9))))


@st.composite
def emails(draw):
    local = draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True))
    domain = draw(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,5})?\.[a-z]{2,6}", fullmatch=True))
    return f"{local}@{domain}"


@settings(max_examples=300, deadline=None)
@given(before=sentences, value=st.one_of(cards(), identities(), mobiles(), emails()), after=sentences)
def test_whatever_stands_around_it_the_text_around_stays(before, value, after):
    text = f"{before} {value} {after}"
    found = find_personal(text)
    clean = redact(text)
    at = 0
    for piece in found:  # every piece that is not personal stands in the result, in order
        kept = text[at : piece.start]
        assert kept.translate({ord("＠"): "@"}) in clean.translate({ord("＠"): "@"})
        at = piece.end
    assert clean.count("\n") == text.count("\n")
    assert canonical_json(clean).encode()  # one line of JSON, whatever the text


@settings(max_examples=300, deadline=None)
@given(value=st.one_of(cards(), identities(), mobiles(), emails()))
def test_a_value_alone_never_survives(value):
    clean = redact(f"it is {value} ok")
    assert value.casefold() not in clean.casefold()
    assert clean.startswith("it is ") and clean.endswith(" ok")


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="@＠", exclude_categories=["Cs", "Nd"])))
def test_texts_without_digits_and_addresses_are_untouched(text):
    assert redact(text) == text


def test_token_ids_stay_only_where_nothing_was_replaced():
    choice = ChoiceForm.model_validate(
        {
            "prompt": [{"role": "user", "content": "Call me at 13812345678"}],
            "prompt_token_ids": [1, 2],
            "candidates": [
                {"text": "We call 13812345678 at noon.", "token_ids": [3]},
                {"text": "We call.", "token_ids": [4]},
            ],
            "picked": [0],
        }
    )
    clean = redact_record(choice.to_record(), "c1", REDACTOR)
    assert "prompt_token_ids" not in clean
    assert [reply.get("token_ids") for reply in clean["candidates"]] == [None, [4]]
    (number,) = re.findall(r"1\d{10}", clean["prompt"][0]["content"])
    assert number != "13812345678" and number in clean["candidates"][0]["text"]


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path):
    first, again = open_redactor(tmp_path), open_redactor(tmp_path)
    assert first == again and len(first.key) == 32
    assert stat.S_IMODE((tmp_path / "redaction.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["redaction.key"]


@pytest.mark.parametrize("run", [" 1", "A1 ", "9", "1-", "a@", "plate ", "地址", "+1 ", "(0"])
def test_a_long_text_is_redacted_in_time_that_grows_with_it_alone(run):
    """A message of digits and blanks alone: looking ahead from each to its end would take minutes."""
    Redactor(b"k" * 32).redact(run * 50_000, "c")
