"""Formulas of the sequential tests: Wilson's interval for people, the beta-binomial e-value for decisions,
how many more picks are needed, and what a share allows to say. Pure.
"""

import math
from collections.abc import Callable
from typing import Any

Z95 = 1.959964
SPREAD = 10.0  # a of the Beta(a, a) mixture: sharpest between 55 and 70 %
ENOUGH = 20.0  # e-value at which a decision errs in at most 5 % of cases, however often one looks
ABOUT_HALF = 0.02  # an interval this close to 50 % on both sides is called no progress
# Below so many picks nothing is said: Wilson's interval is too narrow there. All of four on one side exclude
# one half, which chance alone does once in eight.
FEWEST = 10

NOT_KNOWN, HARMED, NO_PROGRESS, NOT_ENOUGH, SUCCESS, MARKED = (
    "not_known",
    "harmed",
    "no_progress",
    "not_good_enough",
    "success",
    "marked_success",
)
GRADES = (NOT_KNOWN, HARMED, NO_PROGRESS, NOT_ENOUGH, SUCCESS, MARKED)


def wilson_interval(successes: float, n: float, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval: lower and upper end of a share; (0, 1) without observations. Halves are allowed."""
    if n <= 0:
        return (0.0, 1.0)
    low, high = (wilson_end(successes / n, n, z=end) for end in (-z, z))
    # Exact at the ends, where rounding would leave 1e-17.
    return (0.0 if successes == 0 else max(0.0, low), 1.0 if successes == n else min(1.0, high))


def wilson_end(share: Any, n: Any, *, z: float, sqrt: Callable[[Any], Any] = math.sqrt) -> Any:
    """The upper end of Wilson's interval, the lower for a negative `z`; arrays need numpy's `sqrt`."""
    spread = sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (share + z * z / (2 * n) + z * spread) / (1 + z * z / n)


def e_value(successes: float, n: float, *, a: float = SPREAD) -> float:
    """Evidence against a share of 50 %, either way: 2^n B(a+k, a+n-k) / B(a, a), valid whenever one stops.

    At a share of exactly 50 % it is a mean (over Beta(a, a)) of likelihood ratios, so a martingale that
    starts at 1: by Ville's inequality it ever reaches 20 in at most one of 20 histories. Fractions of a pick
    are allowed, for forecasts.
    """
    log = n * math.log(2) + log_beta(a + successes, a + n - successes) - log_beta(a, a)
    return math.exp(min(log, 700.0))


def log_beta(x: float, y: float) -> float:
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)


def e_better(successes: float, n: float) -> float:
    """The evidence where the share lies above 50 %, else 0. Valid against every share of at most 50 %.

    Proof. Let each pick fall on tuned with a chance p_i <= 1/2 that may depend on the past. Draw uniform U_i
    and set X_i = [U_i < p_i] and Y_i = [U_i < 1/2]; then K = sum X_i <= L = sum Y_i at every n, and the Y_i
    are fair coins whatever the p_i do. For fixed n the e-value is convex and symmetric about n/2 in k, so
    `e_better` never falls in k: e_better(K, n) <= e_better(L, n) <= e_value(L, n). The last is a martingale
    of mean 1 in the history of the U_i, and any rule for stopping that looks at the X_i is one that looks at
    the U_i. Hence E[e_better] <= 1 at every stopping time, and P(e_better ever >= 20) <= 1/20. `e_value`
    itself has no such bound below 50 %: there it grows without end.

    Near 50 % half of the crossings are on the other side, so the true rate of error is about 2.5 %. A mixture
    over shares above 50 % alone would use the whole 5 % and need about 22 % fewer picks at 55 %; the wide
    side is the cautious one, since more than one adapter is judged over the years. What the proof does not
    cover: agents who differ from one another. Given the agent, a pick then has a chance above 1/2; see
    `cluster_bounds.py`.
    """
    return e_value(successes, n) if 2 * successes > n else 0.0


def e_harm(successes: float, n: float) -> float:
    """The evidence where the share lies below 50 %, else 0; the mirror image of `e_better`.

    Shown beside it for two versions and for duels. What takes an adapter back is in `harm_test.py`.
    """
    return e_value(successes, n) if 2 * successes < n else 0.0


def picks_until(successes: float, n: float, *, limit: float = ENOUGH, most: int = 1_000_000) -> int | None:
    """How many more picks are needed until the evidence for or against reaches `limit`, at the present share.

    0 if it is there already, None if it would take more than `most` (a share of 50 %, or no pick yet).
    """
    if e_value(successes, n) >= limit:
        return 0
    if n <= 0 or 2 * successes == n:
        return None
    share = successes / n

    def is_enough(more: int) -> bool:
        return e_value(share * (n + more), n + more) >= limit

    # At a fixed share the evidence first sinks, then grows for good: it crosses an e-value above 1 once.
    if not is_enough(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def find_grade(won: float, n: float) -> str | None:
    """What the 95 % interval of a share allows to say.

    "Better" or "worse" only if the interval excludes 50 %. Above it the share itself gives the degree: up to
    70 % not good enough, up to 80 % a success, above that a marked success.
    """
    if n <= 0:
        return None
    (low, high), share = wilson_interval(won, n), won / n
    if n < FEWEST:
        return NOT_KNOWN
    if high < 0.5:
        return HARMED
    if low > 0.5:
        return NOT_ENOUGH if share < 0.7 else SUCCESS if share <= 0.8 else MARKED
    return NO_PROGRESS if max(0.5 - low, high - 0.5) <= ABOUT_HALF else NOT_KNOWN
