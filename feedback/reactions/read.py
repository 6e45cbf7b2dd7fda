"""Reads one reaction: from the message that a reply answered and the customer's next one. Pure."""

import re
from datetime import timedelta
from functools import cache
from typing import NamedTuple

import numpy as np

from feedback.duplicates.grams import CHINESE_GRAM, GRAM, compare_grams, hash_grams, is_mostly_chinese
from feedback.reactions.rules import GIVES_UP, OTHER, REPEATS, RULES, SILENT, THANKS, ReactionRule
from feedback.records.text import normalise

AWAY = timedelta(days=1)  # without a message for so long, a customer has gone away
ALIKE = 0.6  # the share of grams that a question asked again has in common with the first
LEAST, LEAST_CHINESE = 16, 7  # a shorter message ("next step", 好的) repeats itself without being a question
WORD, CHARACTER = re.compile(r"\w+"), re.compile(r"\w")  # a character of Chinese is about a word
COMMA = re.compile("[,，]")
QUESTION = re.compile("[?？]")
BETWEEN = re.compile(r",|\n")


class FollowedReply(NamedTuple):
    """A reply with the message that it answers and the message that came next, by customer or agent; both are
    None where nothing came yet. A text is None after an erasure.
    """

    question: str | None
    role: str | None
    after: str | None
    waited: timedelta  # until the next message, or until now


def read_reaction(reply: FollowedReply) -> str | None:
    """What the customer does after the reply. None if that is not known: they may still write, another reply
    came first, or a text was erased.
    """
    if reply.question is None:
        return None
    if reply.waited > AWAY:
        return SILENT
    if reply.role != "customer" or reply.after is None:
        return None
    return read_next_message(reply.question, reply.after)


def read_next_message(question: str, message: str) -> str:
    """The reaction that a message tells: by the first rule that fits, else by likeness to the question."""
    plain = " ".join(COMMA.sub("", normalise(message).replace("’", "'")).split())
    for rule in RULES:
        if fits_rule(rule, plain):
            return rule.reaction
    return REPEATS if asks_again(question, message) else OTHER


def fits_rule(rule: ReactionRule, message: str) -> bool:
    before_question = QUESTION.split(message)[0]
    if rule.reaction == GIVES_UP and before_question != message:
        return False
    said = before_question if rule.reaction == THANKS else message
    return bool(find_words(rule.says).search(said)) and not find_words(rule.unless).search(said)


@cache
def find_words(words: str) -> re.Pattern[str]:
    """Finds any of these words: English ones whole, Chinese ones anywhere, as no blanks part them."""
    each = [re.escape(word.strip()) for word in BETWEEN.split(words)]
    whole = "|".join(word for word in each if word.isascii())
    return re.compile("|".join([f"\\b(?:{whole})\\b", *(word for word in each if not word.isascii())]))


def asks_again(question: str, message: str) -> bool:
    """Whether a message says nearly what the question said. It may add words or leave some out; a word in the
    place of another asks something else: a second date, the south instead of the centre.
    """
    one, other = normalise(question), normalise(message)
    is_chinese = is_mostly_chinese(one)
    if min(len(one), len(other)) < (LEAST_CHINESE if is_chinese else LEAST):
        return False
    word = CHARACTER if is_chinese else WORD
    said, again = (set(word.findall(text)) for text in (one, other))
    if not (said <= again or again <= said):
        return False
    size = CHINESE_GRAM if is_chinese else GRAM
    first, second = (np.unique(hash_grams([text], size)[0]) for text in (one, other))
    return compare_grams(first, second) >= ALIKE
