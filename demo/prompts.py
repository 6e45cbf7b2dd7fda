"""Conversations that the demo model was not trained on: fifty fixed ones for the gate, and any number of new
ones.

Each has an order number, a product within its intent, or a wording that is held out from training. Each ends
with a customer message, in the form for chat templates.
"""

import random

from demo.dialogues import Dialogue, draw_dialogue
from demo.grammar import Message

FIXED_SEED = 5050
# The gate draws on the fixed prompts, evaluation and simulation on fresh ones; both stay out of training.


def fresh_dialogues(n: int, seed: int) -> list[Dialogue]:
    """`n` unseen dialogues with gold replies, in both languages; equal seeds give equal dialogues."""
    rng = random.Random(f"fresh {seed}")
    dialogues: list[Dialogue] = []
    while len(dialogues) < n:
        dialogue = draw_dialogue(rng, held_out=True)
        if dialogue.fresh:
            dialogues.append(dialogue)
    return dialogues


def fresh_prompts(n: int, seed: int) -> list[list[Message]]:
    """`n` unseen conversations of one to three turns, each ending with a customer message."""
    return [list(dialogue.messages[:-1]) for dialogue in fresh_dialogues(n, seed)]


FIXED_PROMPTS: list[list[Message]] = fresh_prompts(50, FIXED_SEED)
