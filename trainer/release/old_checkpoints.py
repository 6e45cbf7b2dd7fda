"""Removes the files of old checkpoints, which are whole models: `[trainer] keep_checkpoints` of them stay,
and what serves does in any case. Rows, cards and reports stay; without its files none can serve again.
"""

import logging
import shutil

from feedback.store import adapters
from feedback.store.deployments import list_named
from feedback.store.engine import read
from serving.adapters.staging import adapter_path
from trainer.context import NightContext

log = logging.getLogger(__name__)


def drop_old_checkpoints(ctx: NightContext) -> None:
    """It may be repeated; the newest are those that were registered last."""
    with read(ctx.store_engine) as session:
        rows = [row for row in adapters.select_adapters(session, desk_id=ctx.desk_id) if row.is_checkpoint]
        old = [(row.name, row.run_id) for row in rows[ctx.settings.keep_checkpoints :]]
        named = list_named(session)
    for name, run_id in old:
        weights = adapter_path(ctx.data_dir, name)
        if name in named or not weights.is_dir():
            continue
        shutil.rmtree(weights.rename(weights.with_name(".dropped")))
        if run_id is not None:  # the same files under their first name
            shutil.rmtree(ctx.run_dir(run_id) / "adapter", ignore_errors=True)
        log.info("the files of checkpoint %s are removed: keep_checkpoints = %d", name, len(rows) - len(old))
