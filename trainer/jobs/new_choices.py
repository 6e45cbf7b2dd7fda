"""How many choices, or thumbs, wait for the next run. The scheduler asks, and so does the run itself, whose
module is too heavy for a process that only waits.
"""

from feedback.store import runs
from feedback.store.engine import read
from feedback.store.new_records import count_new_choices, count_new_thumbs
from trainer.context import NightContext


def count_new(ctx: NightContext, objective: str | None = None) -> int:
    """Choices that came in since the start of the last run that ended as `done`, on this base; for the
    objective `kto` the thumbs.
    """
    count = count_new_thumbs if objective == "kto" else count_new_choices
    with read(ctx.store_engine) as session:
        last = runs.latest_run(session, desk_id=ctx.desk_id, state="done", but=runs.REBASE)
        return count(session, desk_id=ctx.desk_id, since=last.started_at if last is not None else None)
