"""The picks that an adapter predicted wrong are noted in its run's folder: which, how badly, and no text."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from feedback.labelling.missed import read_missed
from tests.trainer.evaluation.test_baselines import offer
from tests.trainer.evaluation.test_evaluate import SMALL
from tests.trainer.tiny import write_lines
from trainer.data.tokens import PairTokens, encode_prompt, encode_reply
from trainer.evaluation.missed import list_missed


def test_a_pick_is_missed_unless_it_alone_is_ranked_first():
    offers = [
        offer(2, 0, number=0),
        offer(3, 1, number=1, slots=(0, 2, 3)),
        offer(2, 1, number=2),
        offer(3, 0, 1, number=3),
    ]
    shift = [np.array(row) for row in ([1.0, 0.0], [0.0, 0.0, 2.0], [1.0, 1.0], [3.0, 3.0, 1.0])]
    found = list_missed(offers, shift, scale=0.5)
    # exp(0) / (exp(0) + exp(0) + exp(1)), and one of two that are alike
    assert [(each.id, each.nats) for each in found] == [("c-1", 1.551445), ("c-2", 0.693147)]
    assert [each.preferred for each in found] == [3, 0]


def test_an_adapter_whose_scale_is_zero_has_missed_what_it_ranks_below_another():
    offers = [offer(4, 0, number=0), offer(4, 1, number=1)]
    found = list_missed(offers, [np.array([0.0, 1.0, 0.0, 0.0])] * 2, scale=0.0)
    assert [(each.id, each.nats, each.preferred) for each in found] == [("c-0", 1.386294, 1)]


@pytest.fixture(scope="module")
def doubtful(dataset, tmp_path_factory):
    """The dataset; in every third held-out choice people picked a curt reply. One source has a name."""
    folder = tmp_path_factory.mktemp("doubtful")
    lines = [json.loads(line) for line in (dataset / "choices.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        if line["split"] == "test" and number % 3 == 0:
            line |= {"picked": [(line["picked"][0] + 1) % 4], "source": "shop"}
    write_lines(folder / "choices.jsonl", lines)
    for name in ("pairs", "thumbs"):
        write_lines(folder / f"{name}.jsonl", [])
    return folder


def test_an_evaluation_notes_the_held_out_picks_that_were_not_predicted(trained, base, doubtful, tmp_path):
    from trainer.evaluation.evaluate import evaluate_adapter
    from trainer.evaluation.scoring import Scorer

    run_dir = tmp_path / "runs" / "r1"
    run_dir.mkdir(parents=True)
    given = {"threads": 1, "max_length": 128, "with_replies": False, "run_dir": run_dir}
    report = evaluate_adapter(trained.adapter_dir, doubtful, base, SMALL, **given)

    scorer = Scorer(base, threads=1)
    scorer.attach("adapter", trained.adapter_dir)
    expected, curt = {}, set()
    for line in map(json.loads, (doubtful / "choices.jsonl").read_text().splitlines()):
        if line["split"] != "test":
            continue
        prompt = encode_prompt(scorer.tokenizer, line["prompt"], {})
        replies = [encode_reply(scorer.tokenizer, each["text"]) for each in line["candidates"]]
        rows = [PairTokens(prompt, reply) for reply in replies]
        sums = [[float(each.sum()) for each in scorer.score(rows, name)] for name in ("adapter", None)]
        shift = np.subtract(*sums)
        chances = np.exp(report.fitted.adapter_scale * shift)
        if int(shift.argmax()) != line["picked"][0]:
            nats = -np.log(chances[line["picked"][0]] / chances.sum())
            expected[line["id"]] = (line.get("source", "live"), int(shift.argmax()), nats)
        if line.get("source") == "shop":
            curt.add(line["id"])

    found = read_missed(tmp_path, "r1")
    assert {each.id: (each.source, each.preferred) for each in found} == {
        id: (source, slot) for id, (source, slot, _) in expected.items()
    }
    assert len(curt) == 8 and curt <= set(expected)  # it has learnt that people pick warm replies
    assert len(found) == round(report.n * (1 - report.adapter.accuracy))
    for each in found:
        assert each.form == "choice" and each.nats == pytest.approx(expected[each.id][2], abs=1e-3)
    assert [each.nats for each in found] == sorted((each.nats for each in found), reverse=True)
    lines = [json.loads(line) for line in (run_dir / "missed.jsonl").read_text().splitlines()]
    assert lines == [asdict(each) for each in found]
    assert set(lines[0]) == {"form", "source", "id", "nats", "preferred"}  # no text

    (run_dir / "missed.jsonl").unlink()
    evaluate_adapter(trained.adapter_dir, doubtful, base, SMALL, choices=doubtful / "choices.jsonl", **given)
    assert read_missed(tmp_path, "r1") is None  # choices of a file are no records of this desk

    other = given | {"with_replies": True, "leaves_texts": False}
    assert evaluate_adapter(trained.adapter_dir, doubtful, base, SMALL, **other).replies.prompts == 4
    assert list(run_dir.iterdir()) == []  # erasure would look for another dataset's texts elsewhere
