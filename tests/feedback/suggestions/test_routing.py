"""Which adapters a conversation gets: by shares of conversations, the same for good."""

from collections import Counter

import pytest

from feedback.store.deployments import add_deployment
from feedback.store.engine import unit_of_work
from feedback.suggestions.routing import assign_adapters, is_within
from tests.feedback.builders import BASE_ID, DESK, NOW, add_adapter
from tests.feedback.set_desk import NEW, OLD


@pytest.mark.parametrize(
    ("share", "compare_share", "expected"),
    [
        (1.0, 1.0, {(NEW, OLD): 400}),
        (1.0, 0.0, {(NEW,): 400}),
        (0.0, 1.0, {(OLD,): 400}),
        (0.5, 0.2, {(OLD,): 200, (NEW,): 160, (NEW, OLD): 40}),
    ],
)
def test_versions_meet_in_a_share_of_the_canarys_conversations(store_engine, share, compare_share, expected):
    with unit_of_work(store_engine) as session:
        add_adapter(session, OLD, "live")
        add_adapter(session, NEW, "canary")
        for role, name, part in (("live", OLD, 1.0), ("canary", NEW, share)):
            given = {"desk_id": DESK, "actor": "t", "reason": "t", "now": NOW, "share": part}
            add_deployment(session, role=role, adapter=name, **given)

        def assign(conversations):
            return [
                assign_adapters(
                    session,
                    desk_id=DESK,
                    conversation_id=f"conversation-{number}",
                    base_id=BASE_ID,
                    compare_share=compare_share,
                    count=4,
                )
                for number in range(conversations)
            ]

        seen = assign(400)
        assert seen[:50] == assign(50)
    counts = Counter(seen)
    assert set(counts) == set(expected)
    for adapters, expected_times in expected.items():
        assert abs(counts[adapters] - expected_times) <= (45 if len(expected) > 1 else 0)  # 4.5 sd of 10


def test_a_share_that_grows_keeps_the_conversations_it_had():
    inside = [
        {number for number in range(500) if is_within(share, NEW, str(number))} for share in (0.1, 0.4, 1.0)
    ]
    assert inside[0] < inside[1] < inside[2] == set(range(500))
