"""Weights worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback.records.weights import NearPrompts, WeightInput, WeightRules, cap_agents, weigh_choices

RULES = WeightRules()
AT = datetime(2026, 11, 22, tzinfo=UTC)


def item(kind="pick", conversation="c", agent=None, at=AT, stated=None, dwell_ms=None):
    return WeightInput(kind, conversation, agent, at, stated, dwell_ms)


def test_an_own_text_counts_half():
    assert weigh_choices([item(), item("own")], RULES) == [1.0, 0.5]


def test_a_choice_of_thirty_days_ago_counts_half_and_an_old_one_a_fifth():
    ages = [0, 30, 60, 3000]
    assert weigh_choices([item(at=AT - timedelta(days=age)) for age in ages], RULES) == [1.0, 0.5, 0.25, 0.2]


def test_age_counts_from_the_newest_choice_not_from_today():
    assert weigh_choices([item(at=AT - timedelta(days=900))], RULES) == [1.0]


def test_a_choice_without_a_time_is_not_old():
    assert weigh_choices([item(at=None), item()], RULES) == [1.0, 1.0]


def test_a_stated_weight_multiplies():
    assert weigh_choices([item("own", stated=3.0)], RULES) == [1.5]


@pytest.mark.parametrize(
    ("kind", "dwell_ms", "weight"),
    [
        ("pick", 0, 0.3),
        ("pick", 1_499, 0.3),
        ("pick", 1_500, 1.0),
        ("pick", None, 1.0),  # nobody measured it
        ("tie", 900, 0.3),
        ("edit", 900, 1.0),  # the text itself shows that it was read
        ("own", 900, 0.5),
    ],
)
def test_a_pick_faster_than_anybody_reads_counts_three_tenths(kind, dwell_ms, weight):
    assert weigh_choices([item(kind, dwell_ms=dwell_ms)], RULES) == [weight]


def test_haste_and_age_multiply_and_both_come_before_the_caps():
    old = AT - timedelta(days=30)
    slow, fast = item(conversation="new", dwell_ms=4_000), item(conversation="old", at=old, dwell_ms=400)
    assert weigh_choices([slow, fast], RULES) == [1.0, 0.15]
    # Forty fast ones weigh 12 before the cap of 5: each 0.3 x 5 / 12.
    assert weigh_choices([item(dwell_ms=400)] * 40, RULES) == [0.125] * 40


def test_a_conversation_totals_five_at_most():
    weights = weigh_choices([item(conversation="long")] * 20 + [item(conversation="short")] * 5, RULES)
    assert weights == [0.25] * 20 + [1.0] * 5


def spread(sizes):
    """One conversation for each choice, so that only agents are capped."""
    return [
        item(agent=agent, conversation=f"{agent}{n}") for agent, size in sizes.items() for n in range(size)
    ]


def shares(sizes):
    items = spread(sizes)
    weights = weigh_choices(items, RULES)
    total = sum(weights)
    return {
        agent: sum(w for w, i in zip(weights, items, strict=True) if i.agent == agent) / total
        for agent in sizes
    }


@pytest.mark.parametrize(
    ("sizes", "limit"),
    [
        ({"a": 10}, 1.0),  # one agent: 1.5 / 1, no cap
        ({"a": 90, "b": 10}, 0.75),
        ({"a": 98, "b": 1, "c": 1}, 0.5),
        ({"a": 80, "b": 10, "c": 5, "d": 5}, 0.375),
        ({"a": 500} | {f"x{n}": 10 for n in range(9)}, 0.2),
        ({"a": 500, "b": 400, "c": 300, "d": 200} | {f"x{n}": 1 for n in range(10)}, 0.2),
    ],
)
def test_no_agent_has_more_than_the_larger_of_a_fifth_and_one_and_a_half_fair_shares(sizes, limit):
    assert max(shares(sizes).values()) <= limit + 1e-4


def test_agents_below_the_limit_keep_their_weight():
    # 100 of 190 is over a fifth: a gets x with x / (x + 90) = 0.2, that is 22.5.
    factors = cap_agents({"a": 100.0} | {f"x{n}": 10.0 for n in range(9)}, 0.0, 0.2)
    assert factors["a"] == pytest.approx(0.225)
    assert set(factors.values()) - {factors["a"]} == {1.0}


def test_choices_without_a_name_count_in_the_total_and_are_not_capped():
    # 30 of (30 + 970): far below a fifth, although "a" is the only name.
    assert cap_agents({"a": 30.0}, 970.0, 0.2) == {"a": 1.0}


def test_no_weight_is_rounded_to_nothing():
    assert weigh_choices([item(stated=1e-7)], RULES) == [1e-6]
    # b's 0.001 is a quarter at least, so a's 10,000 choices share 0.003: 3e-7 each.
    alone = [item(agent="a", conversation=f"a{number}") for number in range(10_000)]
    weights = weigh_choices([*alone, item(agent="b", conversation="b", stated=0.001)], RULES)
    assert set(weights) == {1e-6, 0.001}


def test_near_duplicates_share_a_limit_and_a_chain_does_not():
    """Six of one prompt and two of a near one weigh eight: 5/8 each. What is near only the second prompt
    weighs 3 with it and keeps all."""
    inputs = [WeightInput("pick", f"talk{number}", None, None) for number in range(10)]
    prompts = NearPrompts([1] * 6 + [2] * 2 + [3, -1], {1: [2], 2: [1, 3], 3: [2]})
    weights = weigh_choices(inputs, WeightRules(), prompts)
    assert weights[:6] == [0.625] * 6
    assert weights[6:8] == [0.555556] * 2  # the second has nine around it
    assert weights[8:] == [1.0, 1.0]
