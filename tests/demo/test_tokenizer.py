import random

import pytest

from demo.corpus import draw_batches, render
from demo.dialogues import draw_dialogue
from demo.slots import PRODUCTS
from demo.tokenizer import END, START, build_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


def test_order_numbers_are_two_tokens_and_products_one(tokenizer):
    assert tokenizer.encode("QD-548").tokens == ["QD-", "548"]
    assert [len(tokenizer.encode(f" {item}").ids) for item in PRODUCTS["en"]] == [1] * len(PRODUCTS["en"])
    assert [len(tokenizer.encode(item).ids) for item in PRODUCTS["zh"]] == [1] * len(PRODUCTS["zh"])


def test_an_order_number_has_the_same_tokens_wherever_it_stands(tokenizer):
    own = tokenizer.encode("QD-548").ids
    for text in ("Order QD-548 ships.", "订单QD-548在路上。", "(QD-548)"):
        ids = tokenizer.encode(text).ids
        assert any(ids[i : i + 2] == own for i in range(len(ids)))


@pytest.mark.parametrize(
    "text", ["trampoline №7 🙂", "蹦床坏了", "  two  spaces\n\ttab", "naïve <order>", "AB-1 12345678"]
)
def test_any_text_survives(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_specials_in_a_dialogue_are_single_tokens(tokenizer):
    ids = tokenizer.encode(f"{START}user\nHi{END}\n").ids
    assert ids[0] == tokenizer.token_to_id(START)
    assert tokenizer.token_to_id(END) in ids


def test_building_twice_gives_the_same_file(tokenizer):
    assert build_tokenizer().to_str() == tokenizer.to_str()


def test_only_replies_and_their_ends_are_learnt(tokenizer):
    row = render(tokenizer, [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Sure."}])
    learnt = [token for token, wanted in zip(row.ids, row.learnt, strict=True) if wanted]
    assert learnt == [*tokenizer.encode("Sure.").ids, tokenizer.token_to_id(END)]


def test_corpus_is_the_same_for_the_same_seed_and_fits_the_budget(tokenizer):
    def draw(seed):
        return list(draw_batches(random.Random(seed), tokenizer, tokens=2048, drill_share=0.2))

    batches = draw(1)
    assert batches == draw(1)
    assert batches != draw(2)
    assert sum(map(len, batches)) == 1024
    assert max(len(batch) * max(len(row.ids) for row in batch) for batch in batches) <= 2048


def test_gold_replies_are_short(tokenizer):
    rng = random.Random(2)
    dialogues = [draw_dialogue(rng, held_out=False) for _ in range(300)]
    lengths = sorted(len(tokenizer.encode(d.messages[-1]["content"]).ids) for d in dialogues)
    assert lengths[6] >= 6
    assert lengths[-7] <= 50
