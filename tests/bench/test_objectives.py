"""bench.objectives: how choices are dealt, that its nats are those of the evaluation, and its report."""

import json

import pytest

from bench.held_out import Dealt, HeldOut, Parts, deal, settle_lines, write_train
from bench.objectives import main, over_seeds
from feedback.datasets.build import read_split
from tests.trainer.tiny import derive_pairs, make_choice, write_lines
from trainer.evaluation.evaluate import evaluate_adapter
from trainer.recipes.recipe import Measurement


def settle(bodies):
    return list(settle_lines([json.dumps(body) for body in bodies], "test"))


def test_conversations_stay_whole_and_parts_do_not_meet():
    bodies = [make_choice(number, "train") | {"conversation": f"c{number // 3}"} for number in range(60)]
    records = settle(bodies)

    dealt = deal(records, Parts(train=12, validation=6, test=7), seed=1)

    named = [{each["conversation"] for each in part} for part in (dealt.train, dealt.validation, dealt.test)]
    assert [len(part) for part in (dealt.train, dealt.validation, dealt.test)] == [12, 6, 9]
    assert len(set.union(*named)) == sum(map(len, named)) == 4 + 2 + 3
    again = deal(records[::-1], Parts(12, 6, 7), seed=1)
    assert {each["id"] for each in again.test} == {each["id"] for each in dealt.test}
    assert dealt.test != deal(records, Parts(12, 6, 7), seed=2).test


def test_a_train_part_has_the_choices_and_their_pairs(tmp_path):
    records = settle([make_choice(number, "test") for number in range(4)])
    folder = write_train(tmp_path / "data", records)
    pairs = list(read_split(folder, "pairs", "train"))
    assert len(list(read_split(folder, "choices", "train"))) == 4
    expected = [pair for number in range(4) for pair in derive_pairs(make_choice(number, "train"))]
    assert {(pair["chosen"][0]["content"], pair["rejected"][0]["content"]) for pair in pairs} == {
        (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) for pair in expected
    }


def test_nats_are_those_of_the_evaluation(trained, base, dataset):
    """Packed rows here, separate rows there; the same parts, the same fitted scales."""
    parts = [settle(read_split(dataset, "choices", split)) for split in ("train", "validation", "test")]
    held_out = HeldOut(Dealt(*parts), base, max_length=128, fit=300)
    nats = held_out.measure(trained.adapter_dir)

    report = evaluate_adapter(
        trained.adapter_dir, dataset, base, Measurement(), threads=1, max_length=128, with_replies=False
    )
    assert held_out.rules["uniform"] == pytest.approx(report.uniform.log_loss)
    assert held_out.rules["slot"] == pytest.approx(report.slot.log_loss, abs=1e-6)
    assert held_out.rules["base"] == pytest.approx(report.base.log_loss, abs=1e-3)
    assert nats["adapter"].mean() == pytest.approx(report.adapter.log_loss, abs=1e-3)
    assert nats["adapter_slot"].mean() == pytest.approx(report.adapter_slot.log_loss, abs=1e-3)


def test_interval_over_seeds_by_hand():
    """Mean 2, deviation 1, three seeds: t(2, 0.975) = 4.3027, over the root of 3."""
    mean, low, high = over_seeds([1.0, 2.0, 3.0])
    assert (mean, low, high) == pytest.approx((2.0, 2 - 2.4841, 2 + 2.4841), abs=1e-3)
    assert over_seeds([1.5]) == (1.5, None, None)


def test_report_ends_with_one_json_line(base, tmp_path, capsys):
    write_lines(tmp_path / "choices.jsonl", [make_choice(number, "train") for number in range(60)])
    sizes = ["--seeds", "2", "--train", "12", "--validation", "8", "--test", "8", "--threads", "1"]
    main(["--choices", str(tmp_path / "choices.jsonl"), "--only-file", "--base", str(base), *sizes])

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    figures = line["figures"]
    assert line["bench"] == "objectives"
    for ending in ("file", "file_slot"):
        assert figures[f"difference_{ending}"] == pytest.approx(
            figures[f"choice_{ending}"] - figures[f"dpo_{ending}"]
        )
        for name in (f"difference_{ending}", f"difference_same_time_{ending}"):
            assert figures[f"{name}_low"] <= figures[name] <= figures[f"{name}_high"]
    assert figures["uniform_file"] > 0 and figures["seconds_choice_file"] > 0


def test_only_a_file_needs_a_file(capsys):
    with pytest.raises(SystemExit):
        main(["--only-file"])
    assert "--only-file needs --choices FILE" in capsys.readouterr().err
