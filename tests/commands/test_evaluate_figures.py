"""What `rejoinder evaluate` prints beside the table of rules, and of which dataset it leaves texts."""

import pytest

from commands.evaluate import evaluate, format_figures
from commands.frame import Frame
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import Run
from serving.base import compute_base_id, resolve_base
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter, add_dataset

CURVE = {"first": 1.9, "best": 1.2, "best_step": 140, "last": 1.25, "last_step": 152}
REPORT = {
    "curves": {"loss": CURVE, "held_out_loss": None},
    "replay": {
        "name": "test split", "rows": 60, "tokens": 1235, "sha256": "0bc06f8988159ff26e", "kl": 0.0137,
        "perplexity": 1.319, "perplexity_base": 1.305,
    },
    "replies": {
        "prompts": 50, "length_ratio": 1.309, "edit_distance": 0.497, "same": 0.22, "surprise": 0.0015,
        "broken_greedy": 0.0, "broken_greedy_base": 0.02, "broken_sampled": 0.0,
        "broken_sampled_base": 0.0025,
        "repeated": 0.025, "repeated_base": 0.02, "copied": 0.046, "copied_base": 0.042,
        "wrong_language": 0.02, "wrong_language_base": 0.0, "wrong_languages": {"ja -> zh": 3},
    },
    "guards": {"kinds": {"flattery": {"broken": 0.375, "broken_base": 0.0, "worst": ["flattery-en-1"]}}},
}  # fmt: skip


def test_every_part_has_its_line():
    lines = list(format_figures(REPORT))
    assert lines[0] == "loss: first 1.9000, best 1.2000 at step 140, last 1.2500 at 152"
    assert lines[1] == (
        "replay (test split, 60 texts, 1235 tokens, 0bc06f898815): KL 0.0137 nats per token, "
        "perplexity 1.319 (base 1.305)"
    )
    assert lines[2] == (
        "greedy replies to 50 prompts: length x1.31, edit distance 0.50, 22% the same, "
        "excess NLL 0.00 nats per token"
    )
    assert [line.split() for line in lines[3:]] == [
        ["broken_greedy", "0.0%", "base", "2.0%"],
        ["broken_sampled", "0.0%", "base", "0.2%"],
        ["repeated", "2.5%", "base", "2.0%"],
        ["copied", "4.6%", "base", "4.2%"],
        ["wrong_language", "2.0%", "base", "0.0%"],
        ["ja", "->", "zh", "3"],
        ["guard", "flattery", "37.5%", "base", "0.0%", "flattery-en-1"],
    ]


def test_what_was_not_measured_has_none():
    nothing = {"curves": None, "replay": None, "replies": None, "guards": None}
    assert list(format_figures(nothing)) == []


@pytest.mark.parametrize(("asked", "leaves"), [(None, True), ("a" * 64, True), ("b" * 64, False)])
def test_texts_of_another_dataset_than_the_runs_are_left_nowhere(store, monkeypatch, asked, leaves):
    import trainer.evaluation.evaluate as module
    from trainer.evaluation.report import OfflineReport

    seen = {}
    report = OfflineReport.model_validate({"n": 0, "total": 0, "seconds": 0})
    monkeypatch.setattr(module, "evaluate_adapter", lambda *_, **given: seen.update(given) or report)
    frame = Frame(store, None)
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    with unit_of_work(engine) as session:
        for each in ("a", "b"):
            add_dataset(session, each * 64)
        run = Run(desk_id=DESK, kind="manual", slot="x", requested_by="ada", created_at=START)
        run.dataset_id, run.state = "a" * 64, "done"
        session.add(run)
        session.flush()
        base_id = compute_base_id(resolve_base(frame.serving().base_model))
        made = {"base_id": base_id, "run_id": run.id, "dataset_id": run.dataset_id}
        add_adapter(session, "tuned-20261122-1", **made)
    engine.dispose()
    evaluate(frame, "tuned-20261122-1", choices=None, dataset=asked, with_replies=True, quiet=True)
    assert seen["leaves_texts"] is leaves
