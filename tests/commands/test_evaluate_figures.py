"""What `rejoinder evaluate` prints beside the table of rules."""

from commands.evaluate import format_figures

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
