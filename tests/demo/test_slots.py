import random

import pytest

from demo.slots import LANGUAGES, PRODUCTS, detect_language, draw_order, is_held_out, mask


def test_mask_finds_the_longest_value_and_keeps_the_order_of_the_text():
    masked, found = mask("The desk lamp in QD-548 reaches Anna in Rome in 3 days on Monday.", "en")
    assert masked == "The <product> in <order> reaches <name> in <city> in <days> on <day>."
    assert list(found) == [
        ("product", "desk lamp"),
        ("order", "QD-548"),
        ("name", "Anna"),
        ("city", "Rome"),
        ("days", "3 days"),
        ("day", "Monday"),
    ]


@pytest.mark.parametrize("text", ["within 30 days", "my address is wrong", "AB-1234", "code 51"])
def test_mask_leaves_look_alikes_alone(text):
    assert mask(text, "en") == (text, ())


def test_chinese_products_need_no_word_edges():
    assert mask("您的台灯在订单QD-548里", "zh")[0] == "您的<product>在订单<order>里"


def test_drawn_orders_lie_on_the_wanted_side():
    rng = random.Random(1)
    assert {is_held_out(draw_order(rng, held_out=True)) for _ in range(50)} == {True}
    assert {is_held_out(draw_order(rng, held_out=False)) for _ in range(50)} == {False}


def test_products_are_many_and_no_product_is_listed_twice():
    for language in LANGUAGES:
        assert len(PRODUCTS[language]) == len(set(PRODUCTS[language])) > 60


@pytest.mark.parametrize(
    ("text", "language"), [("QD-548", "en"), ("Where is it?", "en"), ("订单QD-548", "zh"), ("好的, ok", "zh")]
)
def test_language_is_read_from_letters(text, language):
    assert detect_language(text) == language
