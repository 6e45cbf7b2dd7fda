"""Each term against a derivation by hand. Numbers are chosen so that exponentials are whole."""

from math import exp, log

import pytest

from trainer.data.example import Example, Stage


def make_example(replies: int, *stages: Stage, **changes) -> Example:
    values = {"preferred": None, "nll": 0.0, "thumb": None, "weight": 1.0} | changes
    return Example("e", "c", (1,), tuple((2,) for _ in range(replies)), stages, **values)


def find(examples, ratios, *, beta=1.0, anchor=0.0, delta=0.0, reference=None, counts=None):
    """Losses for these log-ratios; the reference is 0 unless given."""
    import torch

    from trainer.objectives.choice.loss import find_losses, tabulate_examples

    sums = torch.tensor(ratios, dtype=torch.float64, requires_grad=True)
    base = torch.zeros_like(sums) if reference is None else torch.tensor(reference, dtype=torch.float64)
    tokens = torch.ones_like(sums) if counts is None else torch.tensor(counts, dtype=torch.float64)
    losses = find_losses(
        tabulate_examples(examples), sums + base, base, tokens, beta=beta, anchor=anchor, delta=delta
    )
    (gradient,) = torch.autograd.grad(losses.total.sum(), sums)
    return losses, gradient.tolist()


def pick(options: int, won: int, *, offsets=None, noise_rate=0.0) -> Stage:
    return Stage(tuple(range(options)), (won,), offsets or (0.0,) * options, noise_rate)


def test_pick_is_the_softmax_of_beta_times_log_ratio():
    """s = ln(1, 2, 3, 4), beta 1: the third has 3/10. Gradient: softmax less one at the third."""
    losses, gradient = find([make_example(4, pick(4, 2))], [log(1), log(2), log(3), log(4)])
    assert losses.total.item() == pytest.approx(-log(0.3))
    assert gradient == pytest.approx([0.1, 0.2, 0.3 - 1, 0.4])


def test_beta_scales_the_log_ratio():
    """beta 2 squares the odds: (1, 4, 9, 16) / 30."""
    losses, _ = find([make_example(4, pick(4, 2))], [log(1), log(2), log(3), log(4)], beta=2.0)
    assert losses.total.item() == pytest.approx(-log(9 / 30))


def test_slot_offset_explains_a_part_of_the_pick():
    """All replies equal, the first slot has three times the odds: it takes 3 of 6, another 1 of 6."""
    stage = pick(4, 0, offsets=(log(3), 0.0, 0.0, 0.0))
    losses, gradient = find([make_example(4, stage)], [0.0] * 4)
    assert losses.total.item() == pytest.approx(-log(3 / 6), rel=1e-6)
    assert gradient == pytest.approx([3 / 6 - 1, 1 / 6, 1 / 6, 1 / 6], rel=1e-6)


def test_noise_rate_mixes_in_a_blind_pick_and_bounds_the_gradient():
    """softmax (1/10, 2/10, 3/10, 4/10), one in five blind: p = 0.8 x 0.3 + 0.2 / 4 = 0.29. The gradient is
    the attentive share of p, 0.24 / 0.29, times that of the softmax."""
    losses, gradient = find([make_example(4, pick(4, 2, noise_rate=0.2))], [log(1), log(2), log(3), log(4)])
    assert losses.total.item() == pytest.approx(-log(0.29))
    share = 0.24 / 0.29
    assert gradient == pytest.approx([share * 0.1, share * 0.2, share * (0.3 - 1), share * 0.4])
    # However wrong the model is, a pick that may be blind costs at most ln(4 / 0.2), and moves it by nothing.
    losses, gradient = find([make_example(4, pick(4, 2, noise_rate=0.2))], [60.0, 0.0, -60.0, 0.0])
    assert losses.total.item() == pytest.approx(log(20))
    assert max(map(abs, gradient)) < 1e-20


def test_anchor_pulls_up_what_was_on_offer_and_no_thumb():
    """Pick of the second of two, s = (-3, -1): softmax (1, e^2) / (1 + e^2). The anchor adds 0.5 x 2, the
    mean nats lost, and pulls each reply by 0.5 / 2. The thumb's reply, s = -4, is not anchored: log 2 at
    delta -4.
    """
    thumb = make_example(1, thumb=True)
    losses, gradient = find([make_example(2, pick(2, 1)), thumb], [-3.0, -1.0, -4.0], anchor=0.5, delta=-4.0)
    share = 1 / (1 + exp(2))
    assert losses.total.tolist() == pytest.approx([-log(1 - share) + 1.0, log(2)])
    assert losses.decisions.tolist() == pytest.approx([-log(1 - share), 0.0])
    assert gradient == pytest.approx([share - 0.25, -share - 0.25, -0.5])


def test_tie_sums_the_probability_of_all_that_were_taken():
    """(1, 2, 3, 4) / 10, first and last tied: 5/10, and with noise rate 0.2 as much: 0.8 x 5/10 +
    0.2 x 2/4.
    """
    ratios = [log(1), log(2), log(3), log(4)]
    for noise_rate in (0.0, 0.2):
        stage = Stage((0, 1, 2, 3), (0, 3), (0.0,) * 4, noise_rate)
        losses, _ = find([make_example(4, stage)], ratios)
        assert losses.total.item() == pytest.approx(-log(0.5))
    stage = Stage((0, 1, 2, 3), (0, 1), (0.0,) * 4, 0.2)
    losses, gradient = find([make_example(4, stage)], ratios)
    assert losses.total.item() == pytest.approx(-log(0.8 * 0.3 + 0.2 * 0.5))
    # d/ds of 0.8 (w1 + w2) / W: for a taken one 0.8 w (1 - 0.3), for another -0.8 w 0.3.
    assert gradient == pytest.approx(
        [-0.8 * x / 0.34 for x in (0.1 * 0.7, 0.2 * 0.7, -0.3 * 0.3, -0.4 * 0.3)]
    )


def test_edit_is_two_decisions_one_after_the_other():
    """Edited text 5, candidates (1, 2, 3, 4): it wins 5 of 8 over the third, which wins 3 of 10 of all."""
    first = Stage((4, 2), (4,), (0.0,) * 2, 0.0)
    losses, _ = find([make_example(5, first, pick(4, 2))], [log(1), log(2), log(3), log(4), log(5)])
    assert losses.total.item() == pytest.approx(-log(5 / 8) - log(3 / 10))
    assert losses.decisions.item() == losses.total.item()


def test_likelihood_is_nats_per_token_of_the_policy_itself():
    """Reference -4, log-ratio 1: log pi = -3 over 6 tokens, half a nat each; weight 0.2."""
    example = make_example(1, pick(1, 0), preferred=0, nll=0.2)
    losses, gradient = find([example], [1.0], reference=[-4.0], counts=[6])
    assert losses.total.item() == pytest.approx(0.2 * 0.5)
    assert losses.decisions.item() == 0.0
    assert gradient == pytest.approx([-0.2 / 6])
    assert losses.shifts.tolist() == [1.0]


def test_thumbs_are_judged_against_the_mean_of_those_before():
    """beta s = ln 3 + 1 with delta 1: sigmoid(ln 3) = 3/4 for up, 1/4 for down."""
    up, down = make_example(1, thumb=True), make_example(1, thumb=False)
    losses, gradient = find([up, down], [2 * (log(3) + 1)] * 2, beta=0.5, delta=1.0)
    assert losses.total.tolist() == pytest.approx([-log(3 / 4), -log(1 / 4)], rel=1e-6)
    assert gradient == pytest.approx([-0.5 / 4, 0.5 * 3 / 4], rel=1e-6)
    assert losses.rewards.tolist() == pytest.approx([log(3) + 1] * 2)
    assert losses.decisions.tolist() == [0.0, 0.0]


def test_pair_is_the_sigmoid_loss_of_dpo():
    """-ln sigmoid(beta (s_w - s_l)), s_w = 3, s_l = -1, beta 0.1."""
    losses, _ = find([make_example(2, pick(2, 0))], [3.0, -1.0], beta=0.1)
    assert losses.total.item() == pytest.approx(log(1 + exp(-0.4)))
    assert losses.margins.tolist() == pytest.approx([0.4])
    assert losses.hits.tolist() == [1.0]


def test_examples_of_a_row_keep_their_own_replies():
    """Stages of 4, 2 and 1 options side by side, a thumb between them: the same as each alone."""
    examples = [
        make_example(4, pick(4, 2, noise_rate=0.2), preferred=2, nll=0.1),
        make_example(1, thumb=False),
        make_example(3, Stage((2, 0), (0,), (0.3, 0.0), 0.0)),
    ]
    ratios = [0.5, -1.0, 2.0, 0.1, 0.7, -0.3, 9.0, 1.5]
    together, gradient = find(examples, ratios)
    alone = [
        find([examples[0]], ratios[:4]),
        find([examples[1]], ratios[4:5]),
        find([examples[2]], ratios[5:]),
    ]
    assert together.total.tolist() == pytest.approx([losses.total.item() for losses, _ in alone], rel=1e-6)
    assert gradient == pytest.approx([value for _, part in alone for value in part], rel=1e-6)
    assert gradient[6] == 0.0  # the reply that was no option


def test_margin_and_hit_leave_out_offsets_and_noise_rate():
    """Won 1, the others 0, 0, 3: margin 1 - 1 = 0, and the highest did not win."""
    losses, _ = find(
        [make_example(4, pick(4, 0, offsets=(9.0, 0.0, 0.0, 0.0), noise_rate=0.3))], [1.0, 0.0, 0.0, 3.0]
    )
    assert losses.margins.tolist() == [0.0] and losses.hits.tolist() == [0.0]


def test_a_certain_decision_weighs_as_much_as_any_other_and_a_thumb_nothing():
    """Beside odds of e^1000 the first costs 0 nats to the last digit; of two alike the second costs ln 2."""
    import torch

    from trainer.objectives.choice.loss import Sums

    examples = [
        make_example(2, pick(2, 0), weight=3.0),
        make_example(2, pick(2, 1)),
        make_example(1, thumb=True, weight=5.0),
    ]
    losses, _ = find(examples, [1000.0, 0.0, 0.0, 0.0, 0.0])
    assert losses.decisions.tolist() == pytest.approx([0.0, log(2), 0.0])
    sums = Sums(*losses.sum_up(torch.tensor([3.0, 1.0, 5.0])).tolist())
    assert (sums.nats, sums.weight) == pytest.approx((log(2), 4.0))
