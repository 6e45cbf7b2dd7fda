"""The same decisions of agents in the form that each objective learns from.

choice, dpo   as they were made, with the pairs that follow from them
sft           what was taken of each set, as a text that somebody wrote
kto           what was taken as a thumb up, and one reply of the rest as a thumb down
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.held_out import write_train
from feedback.records.from_judgement import LABEL

Record = dict[str, Any]


def write_for(objective: str, folder: Path, records: Sequence[Record]) -> Path:
    """A dataset of a train split alone."""
    write = {"sft": write_texts, "kto": write_ratings}.get(objective, write_train)
    return write(folder, records)


def write_texts(folder: Path, records: Iterable[Record]) -> Path:
    pairs = [
        copy_question(record)
        | {"kind": "pair", "source": LABEL, "chosen": write_reply(taken), "rejected": write_reply(left)}
        for record, taken, left in split_choices(records)
    ]
    return write_files(folder, pairs=pairs, thumbs=[])


def write_ratings(folder: Path, records: Iterable[Record]) -> Path:
    thumbs = [
        copy_question(record)
        | {"id": f"{record['id']}/{label}", "completion": write_reply(text), "label": label}
        for record, taken, left in split_choices(records)
        for text, label in ((taken, True), (left, False))
    ]
    return write_files(folder, pairs=[], thumbs=thumbs)


def split_choices(records: Iterable[Record]) -> Iterator[tuple[Record, str, str]]:
    """Each choice with the text that was taken, and one that was not: of several one by chance, always the
    same one.
    """
    for record in records:
        texts = [candidate["text"] for candidate in record["candidates"]]
        left = [text for place, text in enumerate(texts) if place not in record["picked"]]
        taken = record.get("edited") or record.get("own") or texts[record["picked"][0]]
        yield record, taken, random.Random(record["id"]).choice(left)


def copy_question(record: Record) -> Record:
    named = {name: record[name] for name in ("id", "conversation", "prompt")}
    return named | {"split": "train", "weight": 1.0}


def write_reply(text: str) -> list[Record]:
    return [{"role": "assistant", "content": text}]


def write_files(folder: Path, *, pairs: Iterable[Record], thumbs: Iterable[Record]) -> Path:
    folder.mkdir(parents=True)
    for name, lines in (("choices", []), ("pairs", pairs), ("thumbs", thumbs)):
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return folder
