"""A dataset of edits, own texts and thumbs, and the strings that they come to, written out by hand."""

from pathlib import Path
from typing import Any

from tests.trainer.tiny import CURT, QUESTIONS, WARM, derive_pairs, make_choice, write_lines

MORE = " We are glad to help you with all of it today ."


def render(number: int) -> str:
    """The prompt of a question, as the tiny base's template has it."""
    return f"<|im_start|>user\n{QUESTIONS[number]}<|im_end|>\n<|im_start|>assistant\n"


def make_edit(number: int, split: str = "train") -> dict[str, Any]:
    choice = make_choice(number, split, kind="edit")
    return choice | {"edited": WARM[number % 2] + MORE}


def make_own(number: int, split: str = "train", weight: float = 0.5) -> dict[str, Any]:
    choice = make_choice(number, split, kind="own")
    return choice | {"picked": [], "own": f"Parcel {number} left the house this morning .", "weight": weight}


def make_thumb(number: int, *, up: bool, split: str = "train") -> dict[str, Any]:
    return {
        "id": f"t{number}",
        "source": "live",
        "group": f"g{number}",
        "prompt": [{"role": "user", "content": QUESTIONS[number]}],
        "completion": [{"role": "assistant", "content": (WARM if up else CURT)[number % 2]}],
        "label": up,
        "weight": 0.3,
        "split": split,
    }


def write_dataset(folder: Path, *, texts: int = 4, ups: int = 5, downs: int = 3, held_out: int = 0) -> Path:
    """Edits and own texts in turn, then thumbs up and thumbs down; of each kind `held_out` in validation."""
    folder.mkdir(parents=True, exist_ok=True)
    make = (make_edit, make_own)
    choices = [make[number % 2](number) for number in range(texts)]
    choices += [make_edit(texts + number, "validation") for number in range(held_out)]
    thumbs = [make_thumb(number, up=number < ups) for number in range(ups + downs)]
    for number in range(held_out):
        thumbs.append(make_thumb(ups + downs + number, up=number % 2 == 0, split="validation"))
    write_lines(folder / "choices.jsonl", choices)
    write_lines(
        folder / "pairs.jsonl", [pair for line in choices if line["picked"] for pair in derive_pairs(line)]
    )
    write_lines(folder / "thumbs.jsonl", thumbs)
    return folder
