"""How hard a record is for the base: nats per token of the preferred text, and its quarter among the records
of its language.

The trainer notes the number beside the stored reference values, in `<data_dir>/reference.db`, whenever a run
reads them: only records that a run has read have one. The file is read as plain SQLite and not changed here.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from feedback.canonical import hash_text
from feedback.datasets.collect import Collected
from feedback.datasets.errors import DifficultyUnknown
from feedback.store.engine import read
from feedback.store.overview import name_language
from feedback.store.record_facts import iterate_names

REFERENCES = "reference.db"
QUARTERS = (1, 2, 3, 4)  # from the easiest to the hardest
NO_DIFFICULTY = "no_difficulty"


@dataclass(frozen=True)
class Difficulty:
    """`nats`: nats per token by the key of a record; `languages`: of the records with a row; `bounds`: by
    language the three values between the quarters; `base`: under which base.
    """

    base: str
    nats: Mapping[bytes, float]
    languages: Mapping[bytes, str]
    bounds: Mapping[str, tuple[float, ...]]

    def find_quarter(self, format: str, record: Mapping[str, Any]) -> int | None:
        """The quarter of a record of `choices`, `pairs` or `thumbs`; None if nothing is known of it."""
        key = difficulty_key(format, record["source"], record["id"])
        nats = self.nats.get(key)
        # A verdict of a duel has no row.
        bounds = self.bounds.get(self.languages.get(key) or name_language(record.get("language")))
        if nats is None or bounds is None:
            return None
        return 1 + sum(nats > bound for bound in bounds)

    def keep(
        self, format: str, collected: Iterable[Collected], quarters: Iterable[int], refusals: Counter[str]
    ) -> Iterator[Collected]:
        """The records in these quarters. Those of which nothing is known are refused."""
        asked = set(quarters)
        for item in collected:
            quarter = self.find_quarter(format, item.record)
            if quarter is None:
                refusals[NO_DIFFICULTY] += 1
            elif quarter in asked:
                yield item

    def to_json(self) -> dict[str, Any]:
        return {"base": self.base, "bounds": {name: list(of) for name, of in sorted(self.bounds.items())}}


def difficulty_key(format: str, source: str, id: str) -> bytes:
    """The key of a record: a hash over the name under which a run reads it."""
    return name_key(f"{format}/{source}/{id}")


def name_key(name: str) -> bytes:
    return bytes.fromhex(hash_text(name))


def read_difficulty(store_engine: Engine, *, data_dir: Path, desk_id: str) -> Difficulty:
    """The difficulty of every record of a desk that has one. Raises DifficultyUnknown if none has."""
    path = data_dir / REFERENCES
    base, nats = read_noted(path)
    languages: dict[bytes, str] = {}
    by_language: dict[str, list[float]] = defaultdict(list)
    with read(store_engine) as session:
        for form, source, identity, language in iterate_names(session, desk_id=desk_id):
            key = difficulty_key(f"{form}s", source, identity)
            if key in nats:
                languages[key] = name_language(language)
                by_language[languages[key]].append(nats[key])
    if not by_language:
        raise DifficultyUnknown(path)
    bounds = {
        name: tuple(float(bound) for bound in np.quantile(values, (0.25, 0.5, 0.75)))
        for name, values in by_language.items()
    }
    return Difficulty(base, nats, languages, bounds)


def is_difficulty_known(data_dir: Path) -> bool:
    """Whether a run has noted the difficulty of any record."""
    return bool(query_noted(data_dir / REFERENCES, "SELECT 1 FROM difficulty LIMIT 1"))


def read_noted(path: Path) -> tuple[str, dict[bytes, float]]:
    """The base and the numbers that the trainer noted; nothing where the file or its table is missing."""
    rows = query_noted(path, "SELECT record, base, nats FROM difficulty")
    return (rows[0][1] if rows else ""), {record: nats for record, _, nats in rows}


def query_noted(path: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query; none where the file or its table is missing."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        return []
