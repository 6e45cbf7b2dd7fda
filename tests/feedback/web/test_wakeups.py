"""Waiting for news: found at once, woken by a signal, or given up in time."""

import threading

from feedback.web.wakeups import Wakeups


def wait_in_thread(wakeups, topic, look, timeout_s=60):
    found = []
    thread = threading.Thread(target=lambda: found.append(wakeups.wait_for(topic, look, timeout_s=timeout_s)))
    thread.start()
    return thread, found


def test_what_is_there_already_is_found_without_waiting():
    assert Wakeups().wait_for("a", lambda: "news", timeout_s=60) == "news"


def test_nothing_is_found_when_the_time_is_over():
    assert Wakeups().wait_for("a", lambda: None, timeout_s=0.01) is None


def test_a_signal_makes_waiters_of_its_topic_look_again():
    wakeups, looked, news = Wakeups(), threading.Event(), []

    def look():
        looked.set()
        return news[0] if news else None

    thread, found = wait_in_thread(wakeups, "a", look)
    assert looked.wait(30)
    news.append("news")
    wakeups.signal("b")
    wakeups.signal("a")
    thread.join(30)
    assert found == ["news"]


def test_news_between_the_look_and_the_wait_is_not_missed():
    wakeups, news = Wakeups(), []

    def look():
        if news:
            return news[0]
        news.append("news")
        wakeups.signal("a")
        return None

    assert wakeups.wait_for("a", look, timeout_s=60) == "news"


def test_who_finds_no_seat_does_not_wait_long():
    wakeups, looked, done = Wakeups(seats=1), threading.Event(), []

    def look():
        looked.set()
        return done or None

    thread, _ = wait_in_thread(wakeups, "a", look)
    assert looked.wait(30)
    assert wakeups.wait_for("b", lambda: None, timeout_s=600) is None
    done.append(True)
    wakeups.signal("a")
    thread.join(30)


def test_topics_nobody_waits_for_leave_nothing_behind():
    wakeups = Wakeups()
    wakeups.signal("a")
    wakeups.wait_for("a", lambda: None, timeout_s=0)
    assert wakeups._counts == wakeups._waiting == {}
