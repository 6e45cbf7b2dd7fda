"""Training rows for the demo model: tokenised dialogues and copying drills, in batches of similar length.

The stream is endless and seeded: nothing is stored, and dialogues repeat only by chance. The loss covers
replies only.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tokenizers import Tokenizer

from demo.dialogues import draw_dialogue
from demo.slots import CITIES, LANGUAGES, NAMES, PRODUCTS, draw_order
from demo.systems import draw_system
from demo.tokenizer import END, START

POOL = 1024  # rows sorted by length before they are cut into batches


@dataclass(frozen=True)
class CorpusRow:
    """Token ids, and for each token whether the model is trained to predict it."""

    ids: list[int]
    learnt: list[bool]


def render(tokenizer: Tokenizer, messages: list[dict[str, str]]) -> CorpusRow:
    """Applies the chat template without transformers; a test checks that both give equal text."""
    ids: list[int] = []
    learnt: list[bool] = []
    end = tokenizer.token_to_id(END)
    assert end is not None
    for message in messages:
        head = tokenizer.encode(f"{START}{message['role']}\n").ids
        body = [*tokenizer.encode(message["content"]).ids, end]
        gap = tokenizer.encode("\n").ids
        ids += head + body + gap
        learnt += [False] * len(head) + [message["role"] == "assistant"] * len(body) + [False] * len(gap)
    return CorpusRow(ids, learnt)


def draw_drill(rng: random.Random) -> list[dict[str, str]]:
    """A list to be repeated: it teaches copying much sooner than dialogues do."""
    language = rng.choice(LANGUAGES)
    items: list[str] = []
    for _ in range(rng.randint(3, 9)):
        kind = rng.random()
        if kind < 0.65:
            items.append(draw_order(rng, held_out=False))
        else:
            table = PRODUCTS if kind < 0.88 else NAMES if kind < 0.94 else CITIES
            items.append(rng.choice(table[language]))
    text = (" and " if language == "en" else "和").join(items)
    prefix = "Repeat:" if language == "en" else "重复："
    return [
        {"role": "user", "content": f"{prefix} {text}"},
        {"role": "assistant", "content": f"{prefix} {text}"},
    ]


def draw_row(rng: random.Random, tokenizer: Tokenizer, *, drill_share: float) -> CorpusRow:
    """One training row."""
    if rng.random() < drill_share:
        return render(tokenizer, draw_drill(rng))
    dialogue = draw_dialogue(rng, held_out=False)
    system = draw_system(rng, dialogue.language)
    messages = [{"role": "system", "content": system}] if system else []
    return render(tokenizer, messages + dialogue.messages)


def draw_batches(
    rng: random.Random, tokenizer: Tokenizer, *, tokens: int, drill_share: float
) -> Iterator[list[CorpusRow]]:
    """One pool of rows as batches of at most `tokens` tokens including padding, in random order."""
    rows = sorted(
        (draw_row(rng, tokenizer, drill_share=drill_share) for _ in range(POOL)), key=lambda r: len(r.ids)
    )
    batches: list[list[CorpusRow]] = [[]]
    for row in rows:
        if batches[-1] and (len(batches[-1]) + 1) * len(row.ids) > tokens:
            batches.append([])
        batches[-1].append(row)
    rng.shuffle(batches)
    yield from batches
