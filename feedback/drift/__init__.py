"""Drift: whether what comes in, or what is said of it, is no longer what it was.

    sum_lengths_by_day(session, since=...)         counts by day               feedback/store/drift_counts.py
    find_shift(days, QUANTITY, chance=...)         the test, pure              shift.py
    watch_now(session, now=...)                    alarms, each a sentence     watch.py, alarms.py

Nothing is stored: counts of whole days are the same at every look, so Today, the run report, the webhook
and `rejoinder status` find the same alarms, and one ends by itself. The rule and its rates: docs/evidence.md.
"""
