"""Who may work on a row: its owner until the lease ends, then anybody."""

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest

from feedback.lease import Lease, Leaseholder, lease_of, name_owner
from tests.clock import FrozenClock
from tests.feedback.builders import NOW

TERM_S = 60
HOST = name_owner().split("/")[0]


def dead_process() -> int:
    """A number that no process has: a child's that has ended and was waited for."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return pid


@pytest.mark.parametrize(
    ("owner", "left_s", "free"),
    [
        (None, None, True),
        ("elsewhere/1/x", 1, False),
        ("elsewhere/1/x", 0, True),
        ("elsewhere/1/x", TERM_S + 1, True),  # given before the clock stepped back
        ("HERE/ALIVE/x", 1, False),
        ("HERE/DEAD/x", 1, True),
        ("worker-17-abc", 1, False),  # as earlier versions named themselves
    ],
)
def test_a_lease_is_free_when_it_is_over_or_its_process_has_ended(owner, left_s, free):
    until = None if left_s is None else NOW + timedelta(seconds=left_s)
    for word, meant in (("HERE", HOST), ("ALIVE", os.getpid()), ("DEAD", dead_process())):
        owner = owner and owner.replace(word, str(meant))
    assert Leaseholder(FrozenClock(NOW), TERM_S).may_take(Lease(owner, until)) is free


def test_a_granted_lease_is_the_holders_for_one_term_and_goes_with_an_empty_one():
    holder, row = Leaseholder(FrozenClock(NOW), TERM_S), SimpleNamespace()
    holder.grant().write_to(row)
    assert lease_of(row) == Lease(holder.owner, NOW + timedelta(seconds=TERM_S))
    Lease().write_to(row)
    assert (row.lease_owner, row.lease_until) == (None, None)
