"""The states of an item of a task, as its column has them.

Nobody gets a waiting item: it has no replies yet, or what was written for it is being checked.
"""

WAITING, OPEN, SETTLED, DISPUTED, DROPPED = "waiting", "open", "settled", "disputed", "dropped"
ITEM_STATES = (WAITING, OPEN, SETTLED, DISPUTED, DROPPED)
