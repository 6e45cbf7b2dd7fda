"""The gate's own rule over simulated histories: what it says, and when. Used by `bench.gate`."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from bench.histories import Histories, count_by_agent
from feedback.experiments.cluster_bounds import share_bound
from feedback.experiments.conditional_logit import fit_sheet
from feedback.experiments.rollout_rule import Evidence, ExposurePolicy, decide_exposure
from feedback.experiments.sequential_tests import SPREAD

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Verdicts:
    """For each history the number of picks at which each thing was first true; NEVER if it was not."""

    went_live: Integers
    went_live_unadjusted: Integers  # by the same policy without the demand on the adjusted share
    rolled_back: Integers
    plain: Integers  # a look at which the e-value alone would have promoted


def e_values(won: Any, n: Any) -> Floats:
    """`statistics.e_value` over arrays."""
    log = n * np.log(2) + betaln(SPREAD + won, SPREAD + n - won) - betaln(SPREAD, SPREAD)
    return np.asarray(np.exp(np.minimum(log, 700)))


def first_true(hits: NDArray[np.bool_], at: Integers) -> Integers:
    """`at` of the first hit along the last axis."""
    return np.where(hits.any(axis=-1), at[hits.argmax(axis=-1)], NEVER)


def judge(histories: Histories, policy: ExposurePolicy, every: int) -> Verdicts:
    """Looks for a win after every `every` picks, as every night, and for harm after each, as every minute."""
    picks = histories.won.shape[1]
    each = np.arange(1, picks + 1)
    won = histories.won.cumsum(axis=1)
    harm = first_true((e_values(won, each) >= policy.max_e_harm) & (2 * won < each), each)
    ends = np.arange(every, picks + 1, every)
    k, n = count_by_agent(histories, ends)
    low = share_bound(k, n, confidence=policy.confidence)
    better = (e_values(k.sum(axis=-1), ends) >= policy.min_e_better) & (2 * k.sum(axis=-1) > ends)
    live, unadjusted = np.full(len(won), NEVER), np.full(len(won), NEVER)
    for history in range(len(won)):
        for look, end in enumerate(ends):
            evidence = Evidence(
                adapter="simulated",
                tuned=int(k[history, look].sum()),
                base=int(end - k[history, look].sum()),
                agents=int((n[history, look] > 0).sum()),
                share_low=float(low[history, look]),
            )
            if harm[history] <= end:
                break
            # The fit takes milliseconds: only where all else speaks for the adapter.
            if decide_exposure(replace(evidence, adjusted_low=1.0), policy).verdict != "go_live":
                continue
            unadjusted[history] = min(unadjusted[history], end)
            adjusted = fit_sheet(histories.lay_out(history, int(end)))
            bound = adjusted.bound(policy.confidence) if adjusted else None
            if decide_exposure(replace(evidence, adjusted_low=bound), policy).verdict == "go_live":
                live[history] = end
                break
    return Verdicts(live, unadjusted, harm, first_true(better, ends))


def share_of(values: Integers, limit: int = NEVER) -> tuple[float, float]:
    """The share of histories in which it happened (before NEVER), with its Monte Carlo standard error."""
    p = float((values < limit).mean())
    return p, float(np.sqrt(p * (1 - p) / len(values)))


def median_of(values: Integers) -> tuple[float | None, float | None]:
    """The median and its standard error, from the order statistics around it; None where it is NEVER."""
    ordered = np.sort(values)
    middle, step = len(ordered) // 2, max(1, round(np.sqrt(len(ordered)) / 2))
    low, median, high = ordered[max(0, middle - step)], ordered[middle], ordered[middle + step]
    if median == NEVER:
        return None, None
    return float(median), None if high == NEVER else float(high - low) / 2
