"""Reads a dataset's manifest: its id, the hashes of its files, what was selected, counted and refused.

`build.py` writes it. Its counts by tag go with an erasure, since tags are the app's words; the rest stays.
"""

import json
from pathlib import Path
from typing import Any

from feedback.datasets.errors import DatasetMissing
from serving.files import write_atomically

MANIFEST = "manifest.json"
TAGS = "tags"  # records by tag and split


def read_dataset_manifest(path: Path) -> dict[str, Any]:
    """Reads the manifest of a dataset directory. Raises DatasetMissing."""
    file = path / MANIFEST
    if not file.is_file():
        raise DatasetMissing(path)
    manifest: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return manifest


def write_dataset_manifest(path: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    write_atomically(path / MANIFEST, text.encode())


def seal_manifest(path: Path) -> None:
    """Removes the counts by tag from a manifest, if it has any. The dataset's id does not depend on them."""
    if (path / MANIFEST).is_file():
        manifest = read_dataset_manifest(path)
        if manifest.pop(TAGS, None) is not None:
            write_dataset_manifest(path, manifest)
