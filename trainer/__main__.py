"""Scheduler and worker of one instance in one process: `python -m trainer [--data-dir DIR] [--config FILE]`.

Started by `rejoinder up`. SIGTERM and Ctrl-C end it cleanly: a run in progress is given back and continued by
the next start.
"""

import argparse
import logging
import os
import signal
import threading
from pathlib import Path

from trainer.context import open_context
from trainer.jobs.scheduler import start_scheduler
from trainer.jobs.webhook import schedule_webhook
from trainer.jobs.worker import Worker

log = logging.getLogger("trainer")

# Lines of every minute drown the others; those of httpx name whole addresses, which may hold a secret.
QUIET = ("apscheduler", "httpx")


def main() -> None:
    options = read_options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    with open_context(options.data_dir, options.config) as ctx:
        scheduler = start_scheduler(ctx)
        schedule_webhook(scheduler, ctx)
        due = next(ctx.settings.timetable().list_after(ctx.clock.now()))
        log.info("worker ready, next night %s (%s)", due.isoformat(), ctx.settings.nightly_zone)
        try:
            Worker(ctx, config=options.config).run(stop)
        finally:
            scheduler.shutdown(wait=True)
    log.info("stopped")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    config = os.environ.get("REJOINDER_CONFIG")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("REJOINDER_DATA_DIR", "var")))
    parser.add_argument("--config", type=Path, default=Path(config) if config else None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
