"""What a build found out about duplicates, kept in `duplicates.json` beside the dataset's manifest: copies,
twins, contradictions and sources that lost most of their records.

It names records by source and id and holds no text. It is no part of the dataset's id: a build that refuses
more copies and comes to the same content writes it anew.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import Engine

from feedback.datasets.layout import dataset_dir
from feedback.records.from_judgement import LABEL, LIVE
from feedback.store.datasets import select_datasets
from feedback.store.engine import read
from feedback.store.tables import Dataset
from serving.files import write_atomically

REPORT = "duplicates.json"
MOST = 0.5  # of a source's records: what loses more as copies is nearly the same as another source


class RefusedCopies(BaseModel):
    """How many records of a source were refused since another one (or itself) has the same."""

    kept: str
    refused: str
    records: int


class TwinsLeftOut(BaseModel):
    """How many records of a source or with a tag were left out of a split."""

    name: str
    split: str
    records: int


class LosingSource(BaseModel):
    """A source that lost most of its records as copies; `winner` kept most of them."""

    source: str
    read: int
    copies: int
    winner: str


class NamedRecord(BaseModel):
    """A record of a contradiction. `form` is choice, pair or thumb."""

    form: str
    source: str
    id: str

    @property
    def name(self) -> str:
        """What lineage calls it: records of this desk by their id, others by their source, too."""
        return self.id if self.source == LIVE else f"{self.source}/{self.id}"


class ContradictionSide(BaseModel):
    """What one side of a contradiction says: how many records, and the first of them."""

    count: int
    records: list[NamedRecord]


class DuplicatesReport(BaseModel):
    """All that a build found. Of the contradictions those with most records are listed."""

    read: dict[str, int] = {}  # records by source
    copies: list[RefusedCopies] = []
    twins_by_source: list[TwinsLeftOut] = []
    twins_by_tag: list[TwinsLeftOut] = []
    losing: list[LosingSource] = []
    contradictions: int = 0
    listed: list[tuple[ContradictionSide, ContradictionSide]] = []

    def of_source(self, source: str) -> "DuplicatesReport":
        """What concerns one source."""
        return DuplicatesReport(
            read={name: count for name, count in self.read.items() if name == source},
            copies=[line for line in self.copies if source in (line.kept, line.refused)],
            twins_by_source=[line for line in self.twins_by_source if line.name == source],
            losing=[line for line in self.losing if source in (line.source, line.winner)],
            contradictions=self.contradictions,
            listed=[
                sides
                for sides in self.listed
                if any(record.source == source for side in sides for record in side.records)
            ],
        )


def list_copies(copies: Counter[tuple[str, str]]) -> list[RefusedCopies]:
    """Most first. `copies`: by the source that kept its record and the one that lost it."""
    ranked = sorted(copies.items(), key=lambda item: (-item[1], item[0]))
    return [RefusedCopies(kept=kept, refused=refused, records=count) for (kept, refused), count in ranked]


def list_twins(left_out: Counter[tuple[str, str]]) -> list[TwinsLeftOut]:
    """Most first. `left_out`: by source or tag, and split."""
    ranked = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    return [TwinsLeftOut(name=name, split=split, records=count) for (name, split), count in ranked]


def list_losing(read: Counter[str], copies: Iterable[RefusedCopies]) -> list[LosingSource]:
    lost: Counter[str] = Counter()
    winners: dict[str, str] = {}
    for line in copies:  # most first
        lost[line.refused] += line.records
        winners.setdefault(line.refused, line.kept)
    return [
        LosingSource(source=source, read=read[source], copies=count, winner=winners[source])
        for source, count in sorted(lost.items())
        if count > MOST * read[source] and source != LABEL  # people mostly agree with what they label
    ]


def keep_duplicates_report(directory: Path, report: DuplicatesReport) -> None:
    """Writes the report of a dataset, unless it is there."""
    if read_duplicates_report(directory) != report:
        write_atomically(directory / REPORT, report.model_dump_json(indent=2).encode())


def read_duplicates_report(directory: Path) -> DuplicatesReport | None:
    """The report of a dataset; None if an earlier version built it or its files were erased."""
    path = directory / REPORT
    return DuplicatesReport.model_validate_json(path.read_bytes()) if path.is_file() else None


def find_last_report(
    store_engine: Engine, *, desk_id: str, data_dir: Path
) -> tuple[Dataset, DuplicatesReport] | None:
    """The newest dataset that has a report, with it."""
    with read(store_engine) as session:
        datasets = select_datasets(session, desk_id=desk_id)
    for dataset in datasets:
        report = read_duplicates_report(dataset_dir(data_dir, dataset.id))
        if report is not None:
            return dataset, report
    return None
