"""What each stage of a run learns from, by the grades of sources and by how hard records are for the base.

Both are settled before the first stage begins, and kept: what a run notes of difficulty while it trains, or
a later import says of a source, changes no stage of a run that goes on after a kill.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from feedback.augment.making import MADE
from feedback.augment.names import split_child
from feedback.datasets.atomic_dir import read_jsonl
from feedback.datasets.difficulty import NO_DIFFICULTY, REFERENCES, Difficulty, difficulty_key, read_noted
from feedback.datasets.errors import DatasetMissing, DifficultyUnknown
from feedback.datasets.layout import ALL_FORMATS, list_dataset_files
from feedback.datasets.manifest import read_dataset_manifest
from feedback.datasets.part import DatasetPart, read_dataset_part, write_dataset_part
from feedback.records.from_judgement import LIVE, OWN_SOURCES
from feedback.store.overview import name_language
from trainer.data.pair_rows import PAIR_KINDS
from trainer.recipes.recipe import Recipe, RecipeStage

OWN_GRADE = (
    "A"  # what people do here is measured by other means than an import, and nearest to what is wanted
)
NO_GRADE, OTHER_GRADE, OTHER_DIFFICULTY = "no_grade", "other_grade", "other_difficulty"


class Line(NamedTuple):
    """A line of a train split: its place in the file of a format, and the record that it is or follows from,
    under the name that its difficulty is noted by.
    """

    format: str
    place: int
    origin: str
    record: dict[str, Any]


def write_stage_parts(
    dataset_dir: Path, recipe: Recipe, folder: Path, *, data_dir: Path, base_id: str
) -> list[Path]:
    """A folder for each stage that `read_split` reads as what the stage learns from. One that is there stays.

    `data_dir`: where runs note how hard records are. Raises DatasetMissing, DifficultyUnknown.
    """
    places = [folder / str(number) for number in range(1, len(recipe.stages) + 1)]
    missing = [number for number, place in enumerate(places) if read_dataset_part(place) is None]
    asked = any(recipe.stages[number].difficulty for number in missing)
    difficulty = find_stage_quarters(dataset_dir, data_dir, base_id) if asked else None
    asked = any(recipe.stages[number].grades for number in missing)
    grades = read_dataset_manifest(dataset_dir).get("grades", {}) if asked else {}
    for number in missing:
        write_dataset_part(
            places[number], choose_lines(dataset_dir, recipe.stages[number], grades, difficulty)
        )
    return places


def choose_lines(
    dataset_dir: Path, stage: RecipeStage, grades: dict[str, str], difficulty: Difficulty | None
) -> DatasetPart:
    left_out: dict[str, list[int]] = {name: [] for name in ALL_FORMATS}
    reasons: Counter[str] = Counter()
    for line in read_train_lines(dataset_dir) if stage.grades or stage.difficulty else ():
        reason = refuse_grade(stage, grades, line) or refuse_difficulty(stage, difficulty, line)
        if reason is not None:
            left_out[line.format].append(line.place)
            reasons[reason] += not is_derived(line)
    return DatasetPart(dataset_dir, left_out, reasons)


def refuse_grade(stage: RecipeStage, grades: dict[str, str], line: Line) -> str | None:
    if not stage.grades:
        return None
    source = line.record.get("source") or LIVE
    grade = grades.get(source, OWN_GRADE if source in OWN_SOURCES else None)
    if grade is None:
        return NO_GRADE
    return None if grade in stage.grades else OTHER_GRADE


def refuse_difficulty(stage: RecipeStage, difficulty: Difficulty | None, line: Line) -> str | None:
    if not stage.difficulty or difficulty is None:
        return None
    quarter = difficulty.find_quarter(line.origin, line.record)
    if quarter is None:
        return NO_DIFFICULTY
    return None if quarter in stage.difficulty else OTHER_DIFFICULTY


def read_train_lines(dataset_dir: Path) -> Iterator[Line]:
    """The lines of the train split. A derived pair stands under the name of its choice, and what was made
    under that of its parent.
    """
    for format, file in list_dataset_files(dataset_dir).items():
        if not file.is_file():
            raise DatasetMissing(dataset_dir)
        for place, record in enumerate(read_jsonl(file)):
            if record["split"] != "train":
                continue
            named = {"id": record.get("id") or "", "source": record.get("source") or ""}
            line = Line(format, place, format, record | named)
            if is_derived(line):
                choice = named["id"].rsplit("/", 1)[0]
                line = Line(format, place, "choices", line.record | {"id": choice})
            made = split_child(line.record["id"]) if line.origin == "choices" else None
            if made is not None:
                line = line._replace(record=line.record | {"id": made[0]})
            yield line


def is_derived(line: Line) -> bool:
    """Whether a line is a pair that repeats a choice."""
    return line.format == "pairs" and line.record.get("kind") not in PAIR_KINDS


def find_stage_quarters(dataset_dir: Path, data_dir: Path, base_id: str) -> Difficulty:
    """The difficulty under this base of the records in a train split, their quarters by language. Raises
    DifficultyUnknown if none has one.
    """
    base, nats = read_noted(data_dir / REFERENCES)
    by_language: dict[str, list[float]] = defaultdict(list)
    for line in read_train_lines(dataset_dir):
        if MADE in line.record:  # its parent counts already
            continue
        key = difficulty_key(line.format, line.record["source"], line.record["id"])
        if base == base_id and key in nats:
            by_language[name_language(line.record.get("language"))].append(nats[key])
    if not by_language:
        raise DifficultyUnknown(data_dir / REFERENCES)
    bounds = {
        name: tuple(float(bound) for bound in np.quantile(values, (0.25, 0.5, 0.75)))
        for name, values in by_language.items()
    }
    return Difficulty(base, nats, {}, bounds)
