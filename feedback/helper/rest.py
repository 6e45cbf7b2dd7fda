"""When an address is left alone: after ten faults in a row it is asked nothing for ten minutes."""

from datetime import datetime, timedelta

from sqlmodel import Session

from feedback.clock import still_runs
from feedback.store import helper_calls

FAULTS_IN_A_ROW, REST = 10, timedelta(minutes=10)


def find_pause(session: Session, *, desk_id: str, host: str, now: datetime) -> datetime | None:
    """Until when it is left alone; None where it may be asked."""
    last = helper_calls.list_last(session, desk_id=desk_id, host=host, limit=FAULTS_IN_A_ROW)
    if len(last) < FAULTS_IN_A_ROW or any(call.state not in helper_calls.FAULTS for call in last):
        return None
    ended = last[0].finished_at
    if ended is not None and still_runs(ended + REST, now=now, term=REST):
        return ended + REST
    return None
