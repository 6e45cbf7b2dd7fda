"""How much waits for the next run: choices, or what else its recipe learns from. The scheduler asks, and so
does the run itself, whose module is too heavy for a process that only waits.
"""

from feedback.store import new_texts, runs
from feedback.store.engine import read
from feedback.store.new_records import Counted
from trainer.context import NightContext


def count_new(ctx: NightContext, what: Counted = "choices") -> int:
    """What came in since the start of the last run that ended as `done`, on this base."""
    with read(ctx.store_engine) as session:
        last = runs.latest_run(session, desk_id=ctx.desk_id, state="done", but=runs.REBASE)
        since = last.started_at if last is not None else None
        return new_texts.count_new_records(session, what, desk_id=ctx.desk_id, since=since)
