"""The real labels of 19 people, for tests that look whether the rules hold for people too."""

import gzip
import json
from functools import cache

import pytest

from tests.feedback.formats.files import SHARED

FILE = SHARED / "labels_stc3.jsonl.gz"
needs_stc3 = pytest.mark.skipif(
    not FILE.is_file(), reason="the shared data files are not beside the repository"
)


@cache
def read_dialogues():
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def list_nuggets():
    """The types that the 19 gave each turn."""
    return [list(types) for row in read_dialogues() for types in zip(*row["nuggets"], strict=True)]


def list_scores(which):
    """The scores that the 19 gave each dialogue: accomplishment, satisfaction, effectiveness."""
    return [[scores[which] for scores in row["quality"]] for row in read_dialogues()]
