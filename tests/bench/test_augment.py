"""bench.augment: all that is learnt from is in train, with children and without, and gains by hand."""

import pytest

from bench.augment import build_all, find_augment_figures
from bench.held_out import Dealt
from feedback.datasets.build import read_split


def test_all_choices_are_learnt_from_with_children_and_without(tmp_path):
    record = {
        "prompt": [{"role": "user", "content": "The lamp that I bought flickers at night. Who helps me?"}],
        "candidates": [{"text": "We do."}, {"text": "Please wait for a while."}],
        "picked": [0],
        "kind": "pick",
        "annotator": "ann",
    }
    other = record | {"prompt": [{"role": "user", "content": "订单还没有到，我能退款吗？"}]}
    built = build_all(Dealt([record, other], [], []), tmp_path)
    assert {arm: info.counts["choices"]["train"] for arm, info in built.items()} == {
        "none": 2,
        "synonym": 4,
        "order": 3,  # of the second one the clauses change too much
    }
    assert {line["language"] for line in read_split(built["none"].path, "choices", "train")} == {"en", "zh"}


def test_gains_are_means_over_seeds_with_their_interval():
    def arms(none, synonym):
        rows = {"none": none, "synonym": synonym}
        return {arm: {"nats": nats, "support": 0.5, "made": 3, "twins": 1} for arm, nats in rows.items()}

    figures = find_augment_figures([arms(1.2, 1.1), arms(1.3, 1.0)]).figures
    assert figures["nats_none"] == pytest.approx(1.25)
    assert figures["nats_gain_synonym"] == pytest.approx(0.2)
    # The standard error is 0.1, and t of one degree of freedom 12.706.
    assert figures["nats_gain_synonym_low"] == pytest.approx(0.2 - 1.2706, abs=1e-4)
    assert figures["support_gain_synonym"] == 0
