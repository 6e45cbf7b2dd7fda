"""Customers' questions in plain English, and the system prompt of a desk whose base is small: without it such
a base writes letters. Recipes name `PLAIN_PROMPTS`.
"""

from demo.dialogues import Dialogue
from demo.grammar import Message
from demo.prompts import FIXED_SEED, fresh_dialogues

SYSTEM_PROMPT = "You answer customers of an online shop. Reply in one or two short sentences."


def draw_english(n: int, seed: int) -> list[Dialogue]:
    """The first `n` English dialogues among unseen ones, of which every other one is English."""
    drawn = fresh_dialogues(4 * n + 40, seed)
    return [dialogue for dialogue in drawn if dialogue.language == "en"][:n]


PLAIN_PROMPTS: list[list[Message]] = [
    [{"role": "system", "content": SYSTEM_PROMPT}, *dialogue.messages[:-1]]
    for dialogue in draw_english(50, FIXED_SEED)
]
