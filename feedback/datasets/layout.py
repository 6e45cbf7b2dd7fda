"""Where a dataset's manifest and its JSONL files are: `datasets/<sha256>/`."""

import re
from pathlib import Path

CARD = "README.md"  # of a dataset, and of an adapter
FORMATS = ("choices", "pairs", "thumbs")  # of which every dataset has a file
TEXTS = "texts"  # of which it has one where there are any
ALL_FORMATS = (*FORMATS, TEXTS)
SPLITS = ("train", "validation", "test")
DATASET_ID = re.compile(r"[0-9a-f]{64}\Z")


def datasets_dir(data_dir: Path) -> Path:
    return data_dir / "datasets"


def dataset_dir(data_dir: Path, dataset_id: str) -> Path:
    """The directory of a dataset, whether it exists or not; it never does for what is no hash."""
    return datasets_dir(data_dir) / (dataset_id if DATASET_ID.match(dataset_id) else "unknown")


def dataset_file(directory: Path, format: str) -> Path:
    return directory / f"{format}.jsonl"


def list_dataset_files(directory: Path) -> dict[str, Path]:
    """The files of a dataset by format, whether those that every one has are there or not."""
    texts = dataset_file(directory, TEXTS)
    return {name: dataset_file(directory, name) for name in FORMATS} | (
        {TEXTS: texts} if texts.is_file() else {}
    )
