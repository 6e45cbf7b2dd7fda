"""What served when, from deployments in their order."""

from datetime import UTC, datetime

from feedback.experiments.days import Stretch, list_stretches
from feedback.store.tables import Deployment


def day(number):
    return datetime(2026, 11, number, tzinfo=UTC)


def test_a_stretch_lasts_until_the_next_row_of_its_role():
    given = (
        ("live", "one", 1),
        ("canary", "two", 3),
        ("live", "two", 5),
        ("canary", None, 5),
        ("live", None, 8),
    )
    rows = [
        Deployment(role=role, adapter=name, share=0.2 if role == "canary" else 1.0, at=day(at))
        for role, name, at in given
    ]
    assert list_stretches([], since=day(1)) == []
    stretches = [
        Stretch("live", "one", 1.0, day(1), day(5)),
        Stretch("canary", "two", 0.2, day(3), day(5)),
        Stretch("live", "two", 1.0, day(5), day(8)),
    ]
    assert list_stretches(rows, since=day(1)) == stretches
    assert list_stretches(rows, since=day(6)) == stretches[2:]  # the base is no stretch
    assert list_stretches(rows[:3], since=day(5)) == [
        Stretch("canary", "two", 0.2, day(3), None), Stretch("live", "two", 1.0, day(5), None)
    ]  # fmt: skip
