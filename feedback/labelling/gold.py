"""Items whose answer is known, among all others: whom they are given to, and when they tell that somebody
should pause.

Three of the first ten items of a labeller in a task are gold, then one in as many as the task's share says
(20 at 5 %), at places that a hash draws, so that nobody can tell them from the others. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import count, takewhile

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
    return next(list_gold_places(given, share=share, seed=seed, labeller=labeller), None) == given


def list_gold_places(given: int, *, share: float, seed: str, labeller: str) -> Iterator[int]:
    """The numbers, from `given` on, of a labeller's items that are gold, if there is any; without end."""
    if share <= 0:
        return
    order = sorted(range(FIRST_ITEMS), key=lambda place: draw_share(f"{seed}:{labeller}:{place}"))
    yield from (place for place in sorted(order[:FIRST_GOLD]) if place >= given)
    every = round(1 / max(share, LEAST_SHARE))
    for block in count(max(0, given - FIRST_ITEMS) // every):
        place = FIRST_ITEMS + block * every + int(draw_share(f"{seed}:{labeller}:block {block}") * every)
        if place >= given:
            yield place


def count_coming(places: Iterable[int], *, given: int, others: int) -> int:
    """How many of these places of gold a labeller reaches, who got `given` items: at each other place they
    get one of the `others`, and nothing once these are over.
    """
    before = (place - given - number for number, place in enumerate(places))
    return sum(1 for _ in takewhile(lambda others_before: others_before <= others, before))


def may_be_gold(votes: Sequence[Vote]) -> bool:
    """Whether an item's answer is known well enough: two experts gave it without having seen one another's,
    and none of them another one.
    """
    said = Counter(vote.label for vote in votes if vote.tier >= EXPERTS and not vote.saw_others)
    return len(said) == 1 and None not in said and said.total() >= AGREEING_EXPERTS


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
