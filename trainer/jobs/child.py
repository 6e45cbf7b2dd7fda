"""The process that executes one claimed run: `python -m trainer.jobs.child RUN_ID --fencing-token N`, started
by the worker.

It runs at a lower priority (nice). All of torch lives here, so that the memory is free again when a run ends.
Exit codes: 0 the run ended and the store says how, 1 failed, 4 taken over by another worker, 5 the run goes
on in another child.
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from feedback.datasets.errors import DatasetError
from feedback.errors import ApiError, StaleLease
from feedback.store.runs import RunToken
from serving.errors import ServingError
from trainer.context import open_context
from trainer.errors import TrainerError
from trainer.jobs.card import CardLeft
from trainer.jobs.pipeline import run_night
from trainer.jobs.worker import GOES_ON, TAKEN_OVER

FAILED = 1

log = logging.getLogger(__name__)


def main() -> int:
    options = read_run_options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    with open_context(options.data_dir, options.config) as ctx:
        os.nice(ctx.settings.nice)
        try:
            run_night(ctx, RunToken(options.run_id, options.fencing_token))
        except StaleLease as lost:
            log.warning("%s", lost)
            return TAKEN_OVER
        except CardLeft:
            log.info("run %s goes on in another process: the engine takes its card back", options.run_id)
            return GOES_ON
        except (TrainerError, DatasetError, ServingError, ApiError) as fault:
            log.error("run %s failed: %s", options.run_id, fault)
            return FAILED
        except Exception:
            # The process edge: the worker stores the last lines of this log with the run.
            log.exception("run %s failed", options.run_id)
            return FAILED
    return 0


def read_run_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trainer.jobs.child", description=__doc__)
    parser.add_argument("run_id")
    parser.add_argument("--fencing-token", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
