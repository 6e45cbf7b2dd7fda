"""Three small formulas: Wilson's interval for people, the beta-binomial e-value for decisions, the five
bands. Pure.
"""

import math

Z95 = 1.959964
SPREAD = 10.0  # a of the Beta(a, a) mixture: sharpest between 55 and 70 %
ENOUGH = 20.0  # e-value at which a decision errs in at most 5 % of cases, however often one looks
ABOUT_HALF = 0.02  # shares this near to 50 % are called no progress

HARMED, NO_PROGRESS, NOT_ENOUGH, SUCCESS, MARKED = (
    "harmed",
    "no_progress",
    "not_good_enough",
    "success",
    "marked_success",
)
BANDS = (HARMED, NO_PROGRESS, NOT_ENOUGH, SUCCESS, MARKED)


def wilson_interval(successes: float, n: float, *, z: float = Z95) -> tuple[float, float]:
    """Low and high end of a share; (0, 1) when there is nothing to go by. Halves are allowed."""
    if n <= 0:
        return (0.0, 1.0)
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    # Exact at the ends, where rounding would leave 1e-17.
    return (0.0 if successes == 0 else max(0.0, low), 1.0 if successes == n else min(1.0, high))


def e_value(successes: int, n: int, *, a: float = SPREAD) -> float:
    """Evidence against a share of 50 %, either way: 2^n B(a+k, a+n-k) / B(a, a), valid whenever one stops."""
    log = n * math.log(2) + log_beta(a + successes, a + n - successes) - log_beta(a, a)
    return math.exp(min(log, 700.0))


def log_beta(x: float, y: float) -> float:
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)


def e_better(successes: int, n: int) -> float:
    """The evidence where the share lies above 50 %, else 0."""
    return e_value(successes, n) if 2 * successes > n else 0.0


def e_harm(successes: int, n: int) -> float:
    """The evidence where the share lies below 50 %, else 0."""
    return e_value(successes, n) if 2 * successes < n else 0.0


def find_band(rate: float | None) -> str | None:
    """Below 50 % harmed, about 50 % no progress, to 70 % not good enough, to 80 % a success, above a marked
    one.
    """
    if rate is None:
        return None
    if abs(rate - 0.5) <= ABOUT_HALF + 1e-9:
        return NO_PROGRESS
    if rate < 0.5:
        return HARMED
    if rate < 0.7:
        return NOT_ENOUGH
    return SUCCESS if rate <= 0.8 else MARKED
