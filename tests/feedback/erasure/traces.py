"""Looking for a word wherever an instance keeps anything: all tables, all files, all lists of token ids."""

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import SQLModel
from tokenizers import Tokenizer

from feedback.store.engine import read

TOKENIZER = Path(__file__).parents[3] / "demo" / "model" / "tokenizer.json"


@cache
def load_tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(TOKENIZER))


def encode(text: str) -> list[int]:
    return load_tokenizer().encode(text).ids


def find_traces(engine: Engine, data_dir: Path, word: str) -> list[str]:
    """Where it stands, as `table.column` or the path of a file."""
    found = []
    with read(engine) as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                found += [f"{table.name}.{name}" for name, value in row.items() if says(value, word)]
    for path in sorted(path for path in data_dir.rglob("*") if path.is_file()):
        if file_says(path, word):
            found.append(str(path.relative_to(data_dir)))
    return sorted(set(found))


def file_says(path: Path, word: str) -> bool:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if word.encode() in content or json.dumps(word)[1:-1].encode() in content:
        return True
    text = content.decode("utf-8", "ignore") if path.suffix in (".json", ".jsonl", ".txt") else ""
    return any(says(value, word) for value in read_json(text))


def read_json(text: str) -> Iterator[Any]:
    """The whole as one value, or every line."""
    try:
        yield json.loads(text)
    except ValueError:
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def says(value: Any, word: str) -> bool:
    if isinstance(value, str):
        return word in value
    if isinstance(value, dict):
        return any(says(inner, word) for pair in value.items() for inner in pair)
    if isinstance(value, list):
        if value and all(isinstance(each, int) for each in value):
            return word in load_tokenizer().decode(value, skip_special_tokens=False)
        return any(says(inner, word) for inner in value)
    return False
