"""Counts the records that two datasets share, by tag, from their indexes alone (members.py).

A thumb that became one of a pair in one dataset and stands alone in the other is not counted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback.datasets.members import KEY, TAGGED, WIDTH, Members

LINE = np.dtype([("key", f"S{KEY}"), ("split", "S1"), ("tags", f"S{TAGGED}"), ("end", "S1")])
LINE_WITHOUT_TAGS = np.dtype([("key", f"S{KEY}"), ("split", "S1"), ("end", "S1")])


@dataclass(frozen=True)
class SharedRecords:
    """The records that are in two datasets, by the tags that the first one tells; those without one stand
    under an empty tag.
    """

    total: int
    by_tag: Mapping[str, int]


def count_shared_records(members: Members, other: Members) -> SharedRecords:
    lines, others = read_lines(members), read_lines(other)["key"]
    if not len(lines) or not len(others):
        return SharedRecords(0, {})
    places = np.minimum(np.searchsorted(others, lines["key"]), len(others) - 1)
    shared = lines[others[places] == lines["key"]]
    by_tag: Counter[str] = Counter()
    if members.tag_lists:
        for number, count in zip(*np.unique(shared["tags"], return_counts=True), strict=True):
            for tag in members.tag_lists[int(number, 16)] or ("",):
                by_tag[tag] += int(count)
    return SharedRecords(len(shared), by_tag)


def read_lines(members: Members) -> NDArray[Any]:
    return np.frombuffer(members.lines, LINE if members.width == WIDTH else LINE_WITHOUT_TAGS)
