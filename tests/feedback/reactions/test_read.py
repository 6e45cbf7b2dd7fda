"""What a customer's next message tells, by hand, in both languages."""

from datetime import timedelta

import pytest

from feedback.reactions.read import AWAY, FollowedReply, read_next_message, read_reaction
from feedback.reactions.rules import REACTIONS, RULES

ASKED = "Where is my order 1042, please?"
ASKED_CHINESE = "请问我的订单什么时候能到？"
TOLD = [
    ("thanks", ASKED, "Thanks a lot!"),
    ("thanks", ASKED, "Great, THANK YOU. Can I also change the address?"),
    ("thanks", ASKED_CHINESE, "好的，谢谢你。"),
    ("other", ASKED, "Can you look again? Thanks"),  # polite, for nothing yet
    ("other", ASKED, "Thanks, but that is another order."),
    ("other", ASKED, "No, thanks."),
    ("other", ASKED_CHINESE, "先谢谢，那地址能改吗？"),
    ("repeats", ASKED, "where is my order 1042"),
    ("repeats", ASKED, "I said it, where is my order 1042, please?"),
    ("repeats", ASKED, "That's not what I asked."),
    ("repeats", ASKED_CHINESE, "请问我的订单什么时候能到"),
    ("repeats", ASKED_CHINESE, "我问的是什么时候"),
    ("other", ASKED, "Where is my order 1043, please?"),  # another order
    ("other", ASKED_CHINESE, "请问我的包裹什么时候能到？"),
    ("other", "Next step", "Next step"),  # too short to be a question
    ("asks_person", ASKED, "Can I speak to a real person?"),
    ("asks_person", ASKED_CHINESE, "转人工"),
    ("other", ASKED, "You sound like a real person!"),
    ("gives_up", ASKED, "Never mind then, bye."),
    ("gives_up", ASKED, "Thanks for nothing"),
    ("gives_up", ASKED_CHINESE, "算了，谢谢"),
    ("other", ASKED, "Never mind, can you find me another one"),
    ("other", ASKED_CHINESE, "我打算了解一下退货"),
    ("other", ASKED, "It is unthankful weather."),  # words are whole words
    ("other", ASKED, ""),
]


@pytest.mark.parametrize(("reaction", "question", "message"), TOLD, ids=range(len(TOLD)))
def test_a_message_tells_one_reaction(reaction, question, message):
    assert read_next_message(question, message) == reaction


def test_every_rule_has_examples_in_both_languages():
    told = {(reaction, question) for reaction, question, _ in TOLD}
    assert {(rule.reaction, asked) for rule in RULES for asked in (ASKED, ASKED_CHINESE)} <= told
    assert {rule.reaction for rule in RULES} | {"silent", "other"} == set(REACTIONS)


def test_silence_is_told_after_a_day_and_nothing_before():
    minute = timedelta(minutes=1)
    assert read_reaction(FollowedReply(ASKED, None, None, AWAY)) is None
    assert read_reaction(FollowedReply(ASKED, None, None, AWAY + minute)) == "silent"
    assert read_reaction(FollowedReply(ASKED, "customer", "Thanks!", AWAY)) == "thanks"
    assert read_reaction(FollowedReply(ASKED, "customer", "Thanks!", AWAY + minute)) == "silent"
    assert read_reaction(FollowedReply(ASKED, "agent", "And one more thing.", minute)) is None
    assert read_reaction(FollowedReply(ASKED, "customer", None, minute)) is None  # erased
    assert read_reaction(FollowedReply(None, "customer", "Thanks!", minute)) is None
