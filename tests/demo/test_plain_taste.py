"""The taste for plain English, on replies rated by hand."""

import pytest

from demo.cast import PLAIN_CAST
from demo.plain_prompts import PLAIN_PROMPTS, SYSTEM_PROMPT
from demo.plain_taste import PlainAgent, find_topics, rate_plainly

PROMPT = [
    {"role": "system", "content": "An online shop."},
    {"role": "user", "content": "Hello, where is my order QD-548? I want the lamp."},
]


@pytest.mark.parametrize(
    ("text", "utility"),
    [
        ("Orders take some time to come.", 0.0),  # `orders` is another word
        ("Please write the order number again.", 0.8 + 0.4),  # polite, takes up `order`
        ("Your order QD-548 is a lamp, thank you.", 0.8 + 3 * 0.4),
        ("It comes.", -1.0),  # under four words
        ("We have shipped it to you.", -1.0),
        ("It will be delivered within 3 days, guaranteed.", -2.0),  # three promises count as two
        ("Dear [Customer], we look into it.", -1.0),
        (" ".join(["word"] * 40), -0.5),  # ten words over thirty
        (" ".join(["word"] * 400), -2.0),
    ],
)
def test_a_reply_is_worth_what_its_words_say(text, utility):
    assert rate_plainly(text, PROMPT) == pytest.approx(utility)


def test_topics_are_what_the_customer_writes_about():
    assert find_topics(PROMPT) == {"order", "qd-548", "lamp"}


def test_an_agent_of_this_taste_writes_nothing_of_its_own():
    agent = PlainAgent("a", 1, noise=0.35)
    texts = ["Please tell me the number of the order.", "We have refunded it, guaranteed.", "No."]
    decisions = [agent.judge(PROMPT, texts) for _ in range(300)]
    kinds = {decision.kind for decision in decisions}
    assert kinds <= {"pick", "tie"}
    assert sum(decision.index == 0 for decision in decisions) > 290


def test_customers_write_english_and_the_same_for_the_same_seed():
    drawn = PLAIN_CAST.draw_dialogues(30, 3)
    assert len(drawn) == 30 and {dialogue.language for dialogue in drawn} == {"en"}
    assert drawn == PLAIN_CAST.draw_dialogues(30, 3) != PLAIN_CAST.draw_dialogues(30, 4)
    assert len(PLAIN_PROMPTS) == 50
    assert all(prompt[0]["content"] == SYSTEM_PROMPT for prompt in PLAIN_PROMPTS)
