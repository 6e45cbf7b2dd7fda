import random

from demo.dialogues import draw_dialogue
from demo.prompts import FIXED_PROMPTS, fresh_dialogues, fresh_prompts
from demo.slots import PRODUCTS, is_held_out, mask


def draw(seed, n, *, held_out):
    rng = random.Random(seed)
    return [draw_dialogue(rng, held_out=held_out) for _ in range(n)]


def test_same_seed_same_dialogues():
    assert draw(4, 40, held_out=False) == draw(4, 40, held_out=False)
    assert draw(4, 40, held_out=False) != draw(5, 40, held_out=False)
    assert fresh_prompts(30, 1) == fresh_prompts(30, 1) != fresh_prompts(30, 2)


def test_both_languages_one_to_three_turns_and_all_styles_occur():
    dialogues = draw(4, 800, held_out=False)
    assert {dialogue.language for dialogue in dialogues} == {"en", "zh"}
    assert {len(dialogue.messages) // 2 for dialogue in dialogues} == {1, 2, 3}
    styles = [style for dialogue in dialogues for style in dialogue.styles]
    shares = {style: styles.count(style) / len(styles) for style in set(styles)}
    assert len(shares) == 5
    assert min(shares.values()) > 0.15


def test_training_never_sees_a_held_out_order_and_fresh_prompts_see_no_other():
    def orders(messages):
        return {value for m in messages for slot, value in mask(m["content"], "en")[1] if slot == "order"}

    training = {order for dialogue in draw(4, 400, held_out=False) for order in orders(dialogue.messages)}
    fresh = {order for prompt in fresh_prompts(200, 3) for order in orders(prompt)}
    assert len(training) > 200 and not any(map(is_held_out, training))
    assert len(fresh) > 100 and all(map(is_held_out, fresh))


def test_training_never_sees_a_held_out_product_for_an_intent():
    seen = 0
    for dialogue in draw(6, 400, held_out=False):
        if len(dialogue.messages) == 2 and dialogue.intents[0] not in ("ask_order", "greeting"):
            for slot, value in mask(dialogue.messages[0]["content"], dialogue.language, fold=True)[1]:
                if slot == "product":
                    assert value in PRODUCTS[dialogue.language]
                    assert not is_held_out(f"{dialogue.intents[0]}:{value}")
                    seen += 1
    assert seen > 50


def test_fixed_prompts_are_fifty_distinct_ones_that_wait_for_a_reply():
    assert len(FIXED_PROMPTS) == 50
    assert len({str(prompt) for prompt in FIXED_PROMPTS}) == 50
    assert {prompt[-1]["role"] for prompt in FIXED_PROMPTS} == {"user"}
    assert all(dialogue.fresh for dialogue in fresh_dialogues(50, 9))
