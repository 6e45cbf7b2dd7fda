"""Which datasets hold records with one of several tags, by the index beside each dataset."""

from collections.abc import Collection, Iterable
from pathlib import Path

from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import read_members


def list_with_tags(data_dir: Path, dataset_ids: Iterable[str], strings: Collection[str]) -> list[str]:
    """Those of the datasets that hold a record with one of these strings as a tag. One that was erased names
    no tags any more.
    """
    found = []
    for dataset_id in dataset_ids:
        held = read_members(dataset_dir(data_dir, dataset_id))
        if held is not None and not held.by.get("tag", {}).keys().isdisjoint(strings):
            found.append(dataset_id)
    return found
