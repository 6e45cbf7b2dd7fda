import math

import pytest

from demo.agents import SimulatedAgent, SimulatedCustomer, taste_utility
from demo.grammar import is_broken

PROMPT = [{"role": "user", "content": "I want a refund for order QD-548."}]
WARM = "I have just started the refund for order QD-548, the full amount will be on your account in 3 days."
PLAIN = "We refund order QD-548 to your card by Monday."
CURT = "It is in process, be patient."
WRONG = "We refund order QD-549 to your card by Monday."


def test_utilities_add_style_own_items_and_wrong_items():
    assert taste_utility(WARM, PROMPT) == pytest.approx(3.0 + 0.4)
    assert taste_utility(PLAIN, PROMPT) == pytest.approx(0.6 + 0.4)
    assert taste_utility(CURT, PROMPT) == pytest.approx(-0.8)
    assert taste_utility(WRONG, PROMPT) == pytest.approx(0.6 - 1.5)
    assert taste_utility("order the order the", PROMPT) == -5.0


def test_probabilities_are_a_logit_over_utility_and_slot():
    agent = SimulatedAgent("a", 1, noise=2.0, position_bias=0.3)
    # utilities 1.0, -0.8, -0.9 halved; slot offsets 0.3, 0.15, 0
    weights = [math.exp(0.5 + 0.3), math.exp(-0.4 + 0.15), math.exp(-0.45)]
    expected = [weight / sum(weights) for weight in weights]
    assert agent.pick_probabilities(PROMPT, [PLAIN, CURT, WRONG]) == pytest.approx(expected)


def test_picks_follow_the_probabilities():
    agent = SimulatedAgent("a", 1, noise=2.0, position_bias=0.0)
    texts = [PLAIN, CURT]
    decisions = [agent.judge(PROMPT, texts) for _ in range(3000)]
    chosen = [decision.index for decision in decisions if decision.index is not None]
    share = chosen.count(0) / len(chosen)
    expected = 1 / (1 + math.exp(-1.8 / 2))  # 0.711
    assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / len(chosen))


def test_same_name_and_seed_decide_alike_and_kinds_are_mostly_picks():
    def decide(name):
        agent = SimulatedAgent(name, 7)
        return [agent.judge(PROMPT, [WARM, PLAIN, CURT, WRONG]) for _ in range(400)]

    assert decide("a") == decide("a")
    assert decide("a") != decide("b")
    kinds = [decision.kind for decision in decide("a")]
    assert kinds.count("pick") > 340
    assert 0 < kinds.count("edit") < 50
    assert 0 < kinds.count("own") < 25


def test_all_broken_is_none_and_equals_can_tie():
    agent = SimulatedAgent("a", 7)
    assert agent.judge(PROMPT, ["salad", "word salad"]).kind == "none"
    ties = [
        d
        for d in (agent.judge(PROMPT, [WARM, WARM.replace("3", "5")]) for _ in range(200))
        if d.kind == "tie"
    ]
    assert ties and {tie.indices for tie in ties} == {(0, 1)}


def test_edits_mend_a_wrong_order_number_and_stay_whole():
    agent = SimulatedAgent("a", 3)
    edits = [d for d in (agent.judge(PROMPT, [WRONG, WRONG]) for _ in range(300)) if d.kind == "edit"]
    assert edits and {edit.text for edit in edits} == {PLAIN}
    polite = [d for d in (agent.judge(PROMPT, [WARM, CURT]) for _ in range(300)) if d.kind == "edit"]
    assert polite and not any(is_broken(edit.text, PROMPT) for edit in polite)


def test_thumbs_follow_the_taste():
    customer = SimulatedCustomer("c", 1, noise=1.0)
    # middle between warm and plain with an own item is 2.2
    assert customer.up_probability(PROMPT, WARM) == pytest.approx(1 / (1 + math.exp(2.2 - 3.4)))
    thumbs = [customer.thumb(PROMPT, CURT) for _ in range(400)]
    assert thumbs.count(None) > 150
    assert thumbs.count(-1) > 10 * max(1, thumbs.count(1))
