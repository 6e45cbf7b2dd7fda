"""Applies the gate's own rule to simulated histories, for `bench.gate`: its verdicts, when they come."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from bench.histories import Floats, Histories, Integers, count_before, count_by_agent
from feedback.experiments.adjusted_share import fit_sheet
from feedback.experiments.cluster_bounds import share_bound
from feedback.experiments.harm_test import HARMFUL, SPREADS, find_weight, weigh_harm
from feedback.experiments.rollout_rule import Evidence, RolloutPolicy, decide_rollout
from feedback.experiments.sequential_tests import SPREAD
from feedback.experiments.tally import Tally

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Verdicts:
    """For each history the number of picks when each verdict was first true, or NEVER: (histories,)."""

    went_live: Integers
    went_live_unadjusted: Integers  # by this policy without its limit on the adjusted share
    rolled_back: Integers
    rolled_back_pooled: Integers  # by a test that pools all picks as if from one agent
    plain: Integers  # by the e-value alone


def e_values(won: Any, n: Any) -> Floats:
    """`sequential_tests.e_value` for arrays."""
    log = n * np.log(2) + betaln(SPREAD + won, SPREAD + n - won) - betaln(SPREAD, SPREAD)
    return np.asarray(np.exp(np.minimum(log, 700)))


def first_true(hits: NDArray[np.bool_], at: Integers) -> Integers:
    """The value of `at` at the first hit along the last axis, or NEVER."""
    return np.where(hits.any(axis=-1), at[hits.argmax(axis=-1)], NEVER)


def judge_histories(histories: Histories, policy: RolloutPolicy, every: int) -> Verdicts:
    """Looks for a win after every `every` picks (each night), for harm after each pick (each minute)."""
    picks = histories.won.shape[1]
    harm = find_harm(histories, policy.max_e_harm)
    ends = np.arange(every, picks + 1, every)
    k, n = count_by_agent(histories, ends)
    low = share_bound(k, n, confidence=policy.confidence)
    better = (e_values(k.sum(axis=-1), ends) >= policy.min_e_better) & (2 * k.sum(axis=-1) > ends)
    live, unadjusted = np.full(len(low), NEVER), np.full(len(low), NEVER)
    for history in range(len(low)):
        for analysis, end in enumerate(ends):
            evidence = Evidence(
                adapter="simulated",
                tally=Tally(int(k[history, analysis].sum()), int(end - k[history, analysis].sum())),
                agents=int((n[history, analysis] > 0).sum()),
                share_low=float(low[history, analysis]),
            )
            if harm[history] <= end:
                break
            # The fit takes milliseconds, so it is done only if all other limits are met.
            if decide_rollout(replace(evidence, adjusted_low=1.0), policy).verdict != "go_live":
                continue
            unadjusted[history] = min(unadjusted[history], end)
            adjusted = fit_sheet(histories.lay_out(history, int(end)))
            bound = adjusted.bound(policy.confidence) if adjusted else None
            if decide_rollout(replace(evidence, adjusted_low=bound), policy).verdict == "go_live":
                live[history] = end
                break
    pooled = find_pooled_harm(histories, policy.max_e_harm)
    return Verdicts(live, unadjusted, harm, pooled, first_true(better, ends))


def find_pooled_harm(histories: Histories, limit: float) -> Integers:
    """The first pick at which the pooled e-value for harm reaches `limit`. It takes all picks as from one
    agent, to show what differences between agents cost.
    """
    each, won = np.arange(1, histories.won.shape[1] + 1), histories.won.cumsum(axis=1)
    return first_true((e_values(won, each) >= limit) & (2 * won < each), each)


def find_harm(histories: Histories, limit: float) -> Integers:
    """For each history the first pick at which `weigh_harm` reaches `limit`: (histories,).

    Array arithmetic first finds the picks where this is possible: the probability of all picks is the product
    of the probabilities of each pick given those before. Then `weigh_harm` itself decides there, since it
    takes milliseconds and sometimes rounds to 0.
    """
    k, n = count_before(histories)

    def log_chances(share: float, spread: float) -> Floats:
        weight = find_weight(share, spread)
        if np.isinf(weight):
            return np.where(histories.won, np.log(share), np.log(1 - share)).cumsum(axis=1)
        chosen = np.where(histories.won, share * weight + k, (1 - share) * weight + n - k)
        return np.asarray(np.log(chosen / (weight + n)).cumsum(axis=1))

    worse = np.logaddexp.reduce([log_chances(*harmful) for harmful in HARMFUL]) - np.log(len(HARMFUL))
    no_worse = log_chances(0.5, SPREADS[0])
    for spread in SPREADS[1:]:
        np.maximum(no_worse, log_chances(0.5, spread), out=no_worse)
    may_be = worse - no_worse >= np.log(limit) - 1e-6
    found = np.full(len(may_be), NEVER)
    for history in np.flatnonzero(may_be.any(axis=1)):
        agents, won = histories.agent[history], histories.won[history]
        for pick in np.flatnonzero(may_be[history]) + 1:
            made = np.bincount(agents[:pick], minlength=histories.agents)
            tuned = np.bincount(agents[:pick], weights=won[:pick], minlength=histories.agents)
            if weigh_harm(zip(tuned.astype(int).tolist(), made.tolist(), strict=True)) >= limit:
                found[history] = pick
                break
    return found


def share_of(values: Integers, limit: int = NEVER) -> tuple[float, float]:
    """The share of histories in which it happened (before NEVER), with its Monte Carlo standard error."""
    p = float((values < limit).mean())
    return p, float(np.sqrt(p * (1 - p) / len(values)))


def median_of(values: Integers) -> tuple[float | None, float | None]:
    """The median and its standard error from the order statistics around it; None if it is NEVER."""
    ordered = np.sort(values)
    middle, step = len(ordered) // 2, max(1, round(np.sqrt(len(ordered)) / 2))
    low, median, high = ordered[max(0, middle - step)], ordered[middle], ordered[middle + step]
    if median == NEVER:
        return None, None
    return float(median), None if high == NEVER else float(high - low) / 2
