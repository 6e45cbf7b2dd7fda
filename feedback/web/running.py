"""The front together with everything that wakes it: commits of this process, signals of others, and the look
at the store every second.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Engine

from feedback.settings import FeedbackSettings
from feedback.store.changes import on_commit
from feedback.web.bodies import BodyLimits
from feedback.web.front import Front
from feedback.web.net import Net
from feedback.web.signals import open_signals
from feedback.web.wakeups import Wakeups


@contextmanager
def running_front(
    app: Flask, store_engine: Engine, settings: FeedbackSettings, wakeups: Wakeups
) -> Iterator[Front]:
    signals = open_signals(store_engine, settings.data_dir, hear=wakeups.signal)
    on_commit(store_engine, wakeups.signal)
    on_commit(store_engine, signals.notify)
    net = Net(store_engine, wakeups)
    net.start()
    try:
        yield Front(
            app,
            wakeups=wakeups,
            threads=settings.threads,
            limits=BodyLimits(settings.max_body_bytes, settings.max_page_body_bytes),
        )
    finally:
        net.close()
        signals.close()
