"""Items whose answer is known, among all others: whom they are given to, and when they tell that somebody
should pause.

Three of the first ten items of a labeller in a task are gold, then one in as many as the task's share says
(20 at 5 %), at places that a hash draws, so that nobody can tell them from the others. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from feedback.canonical import draw_share
from feedback.experiments.sequential_tests import wilson_interval
from feedback.labelling.settle import AGREEING_EXPERTS, EXPERTS, Vote

FIRST_ITEMS, FIRST_GOLD = 10, 3
LEAST_SHARE = 1e-6  # of which 1 can be divided by; nobody labels so many
MOST_PEOPLE, LONGEST = 50, timedelta(days=90)
# 2 of 10 or 7 of 20 right pause somebody, 4 of 10 do not.
PAUSE_BELOW = 0.60
LEAST_CASES, LEAST_GOLD = 10, 3
LOOK_EVERY = 5  # labels of somebody, after which their reliability is estimated; and after each gold


def takes_gold(given: int, *, share: float, seed: str, labeller: str) -> bool:
    """Whether the next item of a labeller, who got `given` before it in this task, is gold."""
    if share <= 0:
        return False
    if given < FIRST_ITEMS:
        order = sorted(range(FIRST_ITEMS), key=lambda place: draw_share(f"{seed}:{labeller}:{place}"))
        return given in order[:FIRST_GOLD]
    every = round(1 / max(share, LEAST_SHARE))
    block, place = divmod(given - FIRST_ITEMS, every)
    return place == int(draw_share(f"{seed}:{labeller}:block {block}") * every)


def may_be_gold(votes: Sequence[Vote]) -> bool:
    """Whether an item's answer is known well enough: two experts gave it without having seen one another's,
    and none of them another one.
    """
    said = Counter(vote.label for vote in votes if vote.tier >= EXPERTS and not vote.saw_others)
    return len(said) == 1 and None not in said and said.total() >= AGREEING_EXPERTS


def is_worn(people: int, since: datetime, now: datetime) -> bool:
    """Whether so many people have met a gold item, or for so long, that its answer may have got about."""
    return people >= MOST_PEOPLE or now - since >= LONGEST


def should_look(given: int, met_gold: int, *, is_gold: bool) -> bool:
    """Whether a label is one after which to ask whether its labeller should pause."""
    return met_gold >= LEAST_GOLD and (is_gold or given % LOOK_EVERY == 0)


def should_pause(correct: float, wrong: float, gold: int) -> bool:
    """Whether it is proven that somebody is right less than 60 % of the time, by the certain cases that their
    labels are worth (`reliability.py`), known answers among them.
    """
    cases = correct + wrong
    if cases < LEAST_CASES or gold < LEAST_GOLD:
        return False
    return wilson_interval(correct, cases)[1] < PAUSE_BELOW
