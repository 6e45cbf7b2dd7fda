"""Topics and who listens to them: woken from any thread, nothing missed between looking and listening."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from feedback.web.wakeups import REMEMBERED, Wakeups


def run_apart(coroutine):
    """In a thread of its own: a browser that other tests keep open leaves a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def test_a_signal_from_a_thread_wakes_who_listens_to_its_topic_and_nobody_else():
    async def run():
        wakeups = Wakeups()
        with (
            wakeups.listen("a", since=wakeups.count) as woken,
            wakeups.listen("b", since=wakeups.count) as other,
        ):
            threading.Thread(target=wakeups.signal, args=(["a"],)).start()
            return await woken.wait(30), await other.wait(0.01)

    assert run_apart(run()) == (True, False)


def test_a_wait_without_time_is_over_at_once():
    async def run():
        wakeups = Wakeups()
        with wakeups.listen("a", since=0) as listener:
            return await listener.wait(0)

    assert run_apart(run()) is False


def test_a_signal_between_looking_and_listening_is_not_lost():
    async def run():
        wakeups = Wakeups()
        seen = wakeups.count
        wakeups.signal(["a"])
        with wakeups.listen("a", since=seen) as late, wakeups.listen("a", since=wakeups.count) as knows:
            return await late.wait(30), await knows.wait(0.01)

    assert run_apart(run()) == (True, False)


def test_closing_wakes_everybody_and_nobody_waits_afterwards():
    async def run():
        wakeups = Wakeups()
        with wakeups.listen("a", since=0) as one:
            wakeups.close()
            first = await one.wait(30)
        with wakeups.listen("b", since=wakeups.count) as another:
            return first, await another.wait(30)

    assert run_apart(run()) == (True, True)


def test_nothing_is_kept_of_who_has_gone_and_little_of_what_was_signalled():
    async def run():
        wakeups = Wakeups()
        with wakeups.listen("a", since=0):
            assert wakeups.is_awaited("a") and wakeups.list_topics() == {"a": None}
        for number in range(REMEMBERED + 10):
            wakeups.signal([str(number)])
        return wakeups.is_awaited("a"), wakeups.list_topics(), len(wakeups._recent)

    assert run_apart(run()) == (False, {}, REMEMBERED)


def test_a_topic_has_a_mark_where_all_its_listeners_have_seen_the_same():
    async def run():
        wakeups = Wakeups()
        with wakeups.listen("a", since=0, mark=(1, 1)), wakeups.listen("a", since=0, mark=(1, 1)):
            same = wakeups.list_topics()
            with wakeups.listen("a", since=0, mark=(2, 1)):
                return same, wakeups.list_topics()

    assert run_apart(run()) == ({"a": (1, 1)}, {"a": None})


def test_a_signal_after_the_loop_has_ended_reaches_nobody_and_breaks_nothing():
    wakeups = Wakeups()

    async def run():
        listening = wakeups.listen("a", since=0)
        listening.__enter__()
        return listening

    kept = run_apart(run())
    wakeups.signal(["a"])
    assert kept and wakeups.is_awaited("a")
