"""What an engine must keep although no deployment names it: a version that is being brought up, that a set in
preparation may still ask for, or that a duel is drawn with.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from feedback.store import adapters, duels, set_writes

# For so long an adapter that is being published is not unloaded, although no row names it yet.
BRING_UP_GRACE = timedelta(minutes=3)


def is_coming(session: Session, name: str, *, now: datetime, within: timedelta = BRING_UP_GRACE) -> bool:
    """Whether somebody has begun to publish it, this long ago at most."""
    last = adapters.last_event(session, name=name)
    return last is not None and last.from_state == last.to_state and abs(now - last.at) < within


def is_needed(session: Session, name: str, *, now: datetime) -> bool:
    if is_coming(session, name, now=now) or set_writes.count_in_flight(session, adapter=name, now=now) > 0:
        return True
    return duels.is_drawn_with(session, adapter=name, now=now)
