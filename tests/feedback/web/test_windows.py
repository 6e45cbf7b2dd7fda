"""Moving windows by a clock that stands still until told."""

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from feedback.web.windows import Windows
from tests.clock import FrozenClock
from tests.databases import START

THREE = RateLimitItemPerMinute(3)


def test_the_window_moves_with_each_hit_and_has_no_edges():
    clock = FrozenClock(START)
    windows = Windows(clock=clock)
    limiter = MovingWindowRateLimiter(windows)
    for _ in range(3):  # at 0, 25 and 50 s
        assert limiter.hit(THREE, "ann")
        clock.advance(25)
    # 75 s: the one of 0 s has left, so one more fits, and the next when the one of 25 s leaves at 85 s
    assert limiter.hit(THREE, "ann")
    assert not limiter.hit(THREE, "ann")
    assert limiter.get_window_stats(THREE, "ann") == (85.0, 0)
    clock.advance(10)
    assert limiter.get_window_stats(THREE, "ann") == (110.0, 1)
    assert limiter.hit(THREE, "ann")
    assert limiter.hit(THREE, "ben")


def test_a_step_of_the_time_of_day_changes_no_window():
    clock = FrozenClock(START)
    limiter = MovingWindowRateLimiter(Windows(clock=clock))
    assert all(limiter.hit(THREE, "ann") for _ in range(3))
    clock.step(-3600)
    clock.advance(60)
    assert limiter.hit(THREE, "ann")


def test_who_has_done_nothing_for_a_window_is_forgotten():
    clock = FrozenClock(START)
    windows = Windows(clock=clock)
    limiter = MovingWindowRateLimiter(windows)
    for number in range(1000):
        limiter.hit(THREE, f"visitor {number}")
    clock.advance(60)
    limiter.hit(THREE, "ann")
    assert windows.reset() == 1
