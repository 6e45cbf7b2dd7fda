"""Conversations the base has never seen: fifty fixed ones for the gate, and endless fresh ones.

All hold an order number, a product in its intent, or a wording that training leaves out. They end with a
customer message, in the form chat templates take.
"""

import random

from demo.dialogues import Dialogue, draw_dialogue
from demo.grammar import Message

FIXED_SEED = 5050
# The gate draws on the fixed prompts, evaluation and simulation on fresh ones; both stay out of training.


def fresh_dialogues(n: int, seed: int) -> list[Dialogue]:
    """`n` unseen dialogues with their gold replies, in both languages; the same for the same seed."""
    rng = random.Random(f"fresh {seed}")
    dialogues: list[Dialogue] = []
    while len(dialogues) < n:
        dialogue = draw_dialogue(rng, held_out=True)
        if dialogue.fresh:
            dialogues.append(dialogue)
    return dialogues


def fresh_prompts(n: int, seed: int) -> list[list[Message]]:
    """`n` unseen conversations, each ending with a customer message of one to three turns."""
    return [list(dialogue.messages[:-1]) for dialogue in fresh_dialogues(n, seed)]


FIXED_PROMPTS: list[list[Message]] = fresh_prompts(50, FIXED_SEED)
