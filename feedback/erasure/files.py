"""Removes the files with texts or token ids of erased datasets, or names those that are left.

A dataset keeps its manifest and the hashes of its members, a run its numbers, an adapter its weights: an
adapter that has learnt from erased records is flagged, not undone. Its probe is removed once it no longer
serves, and its card lists no tags any more, since tags are the app's words. The stored reference values are
removed as a whole, since they do not tell whose they are; the next night computes them again.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from feedback.datasets.duplicates_report import REPORT
from feedback.datasets.layout import CARD, dataset_dir, list_dataset_files
from feedback.datasets.manifest import seal_manifest
from feedback.datasets.members import read_members, seal_members
from feedback.store.erasures import Member

REFERENCES = ("reference.db", "reference.db-journal", "reference.db.broken")
PROBE = "probe.json"  # older ones hold token ids of the dataset's messages
# What a run's directory holds without any text of a person; everything else in it goes.
NUMBERS = {"metrics.json", "report.json", "recipe.yaml", "adapter", "night.json", "webhook.json"}


def find_holders(data_dir: Path, dataset_ids: Iterable[str], members: Iterable[Member]) -> list[str]:
    """The datasets that hold any of these records, or held it before their files were removed."""
    names = list(members)
    holders = []
    for id in dataset_ids:
        held = read_members(dataset_dir(data_dir, id))
        if held is not None and any(held.find(*name) is not None for name in names):
            holders.append(id)
    return holders


def remove_datasets(data_dir: Path, dataset_ids: Iterable[str]) -> list[str]:
    """Removes the files of these datasets and their cards, and returns their paths, relative to the data
    directory. Of the index of members the hashes stay.
    """
    paths = []
    for id in dataset_ids:
        directory = dataset_dir(data_dir, id)
        seal_members(directory)
        seal_manifest(directory)
        paths += [*list_dataset_files(directory).values(), directory / REPORT, directory / CARD]
    return _remove(data_dir, paths)


def remove_run_texts(data_dir: Path, run_ids: Iterable[str]) -> list[str]:
    folders = [data_dir / "runs" / id for id in run_ids]
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    return _remove(data_dir, [path for path in paths if path.name not in NUMBERS])


def remove_probe_files(data_dir: Path, adapters: Iterable[str]) -> list[str]:
    return _remove(data_dir, [probe_of(data_dir, name) for name in adapters])


def probe_of(data_dir: Path, adapter: str) -> Path:
    return data_dir / "adapters" / adapter / PROBE


def remove_references(data_dir: Path) -> list[str]:
    return _remove(data_dir, [data_dir / name for name in REFERENCES])


def _remove(data_dir: Path, paths: Iterable[Path]) -> list[str]:
    gone = []
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            continue
        gone.append(str(path.relative_to(data_dir)))
    return gone


def list_backups(backup_dir: Path | None) -> list[Mapping[str, str]] | None:
    """The existing backups, oldest first; None if no backup directory is configured."""
    if backup_dir is None or not backup_dir.is_dir():
        return None
    folders = sorted(path for path in backup_dir.iterdir() if (path / "SHA256SUMS").is_file())
    return [{"name": path.name, "path": str(path)} for path in folders]
