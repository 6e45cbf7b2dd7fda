"""Conversations as examples: each turn's prompt is the last one, the reply sent, and what came after."""

import random
from pathlib import Path

from tests.trainer.tiny import QUESTIONS, make_choice, write_lines
from trainer.data.example import Example


def make_turn(name: str, turn: int, prompt: tuple[int, ...], replies: tuple[tuple[int, ...], ...]) -> Example:
    return Example(f"{name}-{turn}", name, prompt, replies, (), 0, 0.1, None, 1.0)


def make_conversation(
    turns: int,
    *,
    name: str = "c",
    first: int = 20,
    reply: int = 6,
    between: int = 6,
    count: int = 4,
    edited: int | None = None,
    cut: int | None = None,
    seed: int = 0,
) -> list[Example]:
    """`count` replies of `reply` tokens a turn, the second one sent, `between` tokens until the next reply.

    After turn `edited` what was sent is none of the replies; before turn `cut` the history lost its first
    half.
    """
    draw = random.Random(f"{name} {seed}")

    def tokens(length: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, 90) for _ in range(length))

    prompt = tokens(first)
    found = []
    for turn in range(turns):
        if turn == cut:
            prompt = prompt[len(prompt) // 2 :]
        # Different first tokens: what replies share by chance is not the matter here.
        replies = tuple((3 + place, *tokens(reply - 2), 2) for place in range(count))
        found.append(make_turn(name, turn, prompt, replies))
        sent = (3 + count, *tokens(reply - 2), 2) if turn == edited else replies[1]
        prompt = prompt + sent + tokens(between)
    return found


def make_alike() -> list[Example]:
    """Two turns; the first reply begins like the one that was sent, the third like neither: in a tree they
    branch off at two places of the longest prompt.
    """
    prompt, sent = (20, 21, 22), (5, 6, 8, 2)
    first = make_turn("c", 0, prompt, ((5, 6, 7, 2), sent, (9, 10, 2)))
    return [first, make_turn("c", 1, (*prompt, *sent, 30, 31), ((11, 2), (12, 13, 2)))]


def write_talks(folder: Path, *, train: int = 6, validation: int = 2, turns: int = 4) -> Path:
    """A dataset of whole conversations: what was picked is what the next prompt shows."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, split in enumerate(["train"] * train + ["validation"] * validation):
        history = []
        for turn in range(turns):
            place = number * turns + turn
            choice = make_choice(place, split)
            history = [*history, {"role": "user", "content": QUESTIONS[place % len(QUESTIONS)]}]
            lines.append(choice | {"conversation": f"talk{number}", "prompt": history})
            sent = choice["candidates"][choice["picked"][0]]["text"]
            history = [*history, {"role": "assistant", "content": sent}]
    write_lines(folder / "choices.jsonl", lines)
    for name in ("pairs", "thumbs"):
        write_lines(folder / f"{name}.jsonl", [])
    return folder
