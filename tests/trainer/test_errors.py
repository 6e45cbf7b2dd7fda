"""Errors of a run survive the way from one process to another."""

import pickle
from pathlib import Path

import pytest

from trainer.errors import NothingToTrainOn, RecipeRefused, TextRefused, TrainerError


@pytest.mark.parametrize(
    ("error", "values"),
    [
        (RecipeRefused("demo.yaml", ["rank: too high"]), {"faults": ["rank: too high"]}),
        (TextRefused("blank", "the reply is blank"), {"reason": "blank"}),
        (NothingToTrainOn(Path("d1"), {"too_long": 2}, ()), {"refusals": {"too_long": 2}}),
    ],
)
def test_an_error_keeps_its_kind_its_sentence_and_its_values(error: TrainerError, values: object) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), values)
