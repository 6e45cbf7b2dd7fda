"""How good the rollout rule is: how often it errs, and how many picks it needs to promote a better adapter.

    python -m bench.gate [--histories 1000] [--seed 1]

Simulated histories go through `feedback.experiments.rollout_rule.decide_rollout` itself: 30 nights of 50
picks, a look for a win after each night, a look for harm after every pick. Every estimate has its Monte Carlo
standard error (`_se` in the JSON line). No engine, no store, one core.
"""

from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.bounds import bound_all, draw_counts
from bench.figures import Estimate, Figures, make_table, write_estimate
from bench.harm import check_harm_test, check_wide_tastes
from bench.histories import Histories, Team, draw_histories
from bench.report import make_parser, print_report
from bench.verdicts import NEVER, Verdicts, e_values, first_true, judge_histories, median_of, share_of
from feedback.experiments.rollout_rule import RolloutPolicy

NIGHTS, PER_NIGHT = 30, 50
PICKS = NIGHTS * PER_NIGHT
LONGEST = 3000  # picks per history in the theory check
TEAMS = (6, 10, 20)
SMALLEST = RolloutPolicy().min_agents
SHARES = (0.55, 0.6, 0.7)
PUBLISHED = {0.55: 763, 0.6: 190, 0.7: 53}  # median picks in the plan, which were simulated too
LENGTH_PART = 5  # the length cell fits at almost every look: a fifth of the histories

NOTES = {
    "power_55": "e-value alone, independent picks, a look after each: share that reaches 20 in 1,500 picks",
    "median_picks_55": "the same: picks until then",
    "false_promotion_rate": "same weights in both arms, the worst of 6, 10 and 20 agents",
    "false_promotion_tastes": "agents who differ around one half, the worst of 6, 10 and 20",
    "rule_power_55_6": "the whole rule, nightly looks, 6 agents",
    "length_only_promotion": "longer replies and no better",
    "false_rollback_tastes": "the same agents, rolled back: the worst of 4, 6, 10 and 20",
    "false_rollback_tastes_pooled": "the same by a test that takes all picks for those of one mind",
    "picks_to_demote_40_10": "median at 40 %, ten agents of one mind",
    "picks_to_demote_ratio_40_10": "over that of the pooled test",
    "picks_to_demote_ratio_40_tastes_10": "the same where tastes differ",
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--histories", type=int, default=1000, help="of each cell  [default: 1000]")
    parser.add_argument("--seed", type=int, default=1, help="of all draws  [default: 1]")
    asked = parser.parse_args()
    rng, figures, policy = np.random.default_rng(asked.seed), Figures(), RolloutPolicy()
    console = Console(width=150)

    def draw(team: Team, histories: int = asked.histories) -> Histories:
        return draw_histories(rng, team, histories, PICKS)

    def run(team: Team, histories: int = asked.histories) -> Verdicts:
        return judge_histories(draw(team, histories), policy, PER_NIGHT)

    console.print(check_theory(rng, asked.histories, figures))
    console.print(check_null(run, figures))
    console.print(check_power(run, figures))
    console.print(check_length(run, max(1, asked.histories // LENGTH_PART), figures))
    console.print(check_harm_test(draw, policy.max_e_harm, figures))
    console.print(check_wide_tastes(draw, policy.max_e_harm, figures))
    console.print(check_bounds(rng, asked.histories, policy.confidence))
    print_report("gate", figures.values, notes=NOTES)


def check_theory(rng: np.random.Generator, histories: int, figures: Figures) -> Table:
    """Table (a): the e-value (E >= 20) alone on independent picks, a look after each pick or each night."""
    table = make_table(
        "(a) theory: e-value alone, no clusters",
        "true share",
        "power in 1,500",
        "exact",
        "median picks",
        "exact",
        "plan",
        "median, nightly looks",
        "price",
    )
    each, policy = np.arange(1, LONGEST + 1), RolloutPolicy()
    for share in SHARES:
        won = (rng.random((histories, LONGEST)) < share).cumsum(axis=1)
        hits = (e_values(won, each) >= policy.min_e_better) & (2 * won > each)
        stops, nightly = first_true(hits, each), first_true(hits & (each % PER_NIGHT == 0), each)
        name = f"{100 * share:.0f}"
        power, median = exact_stop(share, policy.min_e_better)
        late, soon = median_of(nightly), median_of(stops)
        figures.values[f"exact_power_{name}"], figures.values[f"exact_median_picks_{name}"] = power, median
        price = None if late[0] is None or soon[0] is None else late[0] / soon[0] - 1
        table.add_row(
            f"{name} %",
            figures.add(f"power_{name}", share_of(stops, PICKS + 1)),
            f"{power:.3f}",
            figures.add(f"median_picks_{name}", soon),
            str(median),
            str(PUBLISHED[share]),
            figures.add(f"median_picks_nightly_{name}", late),
            "-" if price is None else f"+{100 * price:.0f} %",
        )
    return table


def exact_stop(share: float, limit: float) -> tuple[float, int | None]:
    """The power within 1,500 picks and the median stopping time, from the exact distribution of counts."""
    chance, crossed, power, median = np.ones(1), 0.0, 0.0, None
    for n in range(1, LONGEST + 1):
        k = np.arange(n + 1)
        chance = np.append(chance * (1 - share), 0.0) + np.append(0.0, chance * share)
        hit = (e_values(k, n) >= limit) & (2 * k > n)
        crossed += float(chance[hit].sum())
        chance[hit] = 0.0
        median = n if median is None and crossed >= 0.5 else median
        power = crossed if n <= PICKS else power
        if n >= PICKS and median is not None:
            break
    return power, median


def check_null(run: Callable[[Team], Verdicts], figures: Figures) -> Table:
    """Tables (b), (c): an adapter equal to the base, and agents whose tastes average to no difference."""
    table = make_table(
        "(b), (c) promoted or rolled back though no better and no worse, share of adapters",
        "agents",
        *("same weights: rule", "e-value alone", "rolled back", "pooled"),
        *("tastes: rule", "e-value alone", "rolled back", "pooled"),
    )
    worst: dict[str, Estimate] = {}
    for agents in (SMALLEST, *TEAMS):
        row = []
        for kind, team in (("rate", Team(agents)), ("tastes", Team(agents, taste_sd=0.1))):
            found = run(team)
            errors = {
                f"false_promotion_{kind}": share_of(found.went_live),
                f"false_rollback_{kind}": share_of(found.rolled_back),
                f"false_rollback_{kind}_pooled": share_of(found.rolled_back_pooled),
            }
            for name, error in errors.items():
                if agents in TEAMS or "rollback" in name:
                    worst[name] = max(worst.get(name, error), error)
            promoted, out, pooled = (figures.add(f"{name}_{agents}", error) for name, error in errors.items())
            row += [promoted, write_estimate(share_of(found.plain)), out, pooled]
        table.add_row(str(agents), *row)
    for name, estimate in worst.items():
        figures.add(name, estimate)
    return table


def check_power(run: Callable[[Team], Verdicts], figures: Figures) -> Table:
    """The power that the clustered and the adjusted bound cost when the adapter is better."""
    table = make_table(
        "power of the whole rule within 1,500 picks, nightly looks",
        "share",
        "agents",
        "like-minded: rule",
        "e-value alone",
        "median picks",
        "tastes (sd 0.1): rule",
        "e-value alone",
        "median picks",
    )
    for share in SHARES:
        for agents in TEAMS:
            row = []
            for kind, taste_sd in (("", 0.0), ("_tastes", 0.1)):
                found, name = run(Team(agents, share, taste_sd)), f"{100 * share:.0f}{kind}_{agents}"
                row += [
                    figures.add(f"rule_power_{name}", share_of(found.went_live)),
                    write_estimate(share_of(found.plain)),
                    write_estimate(median_of(found.went_live)),
                ]
            table.add_row(f"{100 * share:.0f} %", str(agents), *row)
    return table


def check_length(run: Callable[[Team, int], Verdicts], histories: int, figures: Figures) -> Table:
    """Adapter replies that are only longer, with agents who like length: the raw share is about 61 %."""
    table = make_table(
        "replies 1.6 times as long and no better, 10 agents who like length",
        "promoted",
        "without the adjusted bound",
    )
    found = run(Team(10, length_liking=1.0, longer=1.6), histories)
    table.add_row(
        figures.add("length_only_promotion", share_of(found.went_live)),
        write_estimate(share_of(found.went_live_unadjusted)),
    )
    return table


def check_bounds(rng: np.random.Generator, histories: int, confidence: float) -> Table:
    """How often each bounding method puts the share above one half when the true share is one half."""
    names = ("wilson", "sandwich_z", "cr1_t", "cr2_t", "bootstrap", "chosen")
    table = make_table(
        f"tastes sd 0.1, one look at 1,500 picks: wrongly above one half ({1 - confidence:.2f} is aimed at)",
        "agents",
        "busiest / quietest",
        *names,
    )
    for agents in (3, *TEAMS):
        for busiest in (4.0, 20.0):
            team = Team(agents, taste_sd=0.1)
            won, made = draw_counts(rng, team, 10 * histories, PICKS, busiest)
            bounds = bound_all(rng, won, made, confidence)
            errors = {name: share_of(np.where(bound > 0.5, 0, NEVER)) for name, bound in bounds.items()}
            table.add_row(str(agents), f"{busiest:.0f}", *(write_estimate(errors[name]) for name in names))
    return table


if __name__ == "__main__":
    main()
