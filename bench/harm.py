"""How soon the gate rolls back harm, and how often it does so without harm when tastes vary more than the
test allows. Two tables of `bench.gate`.
"""

from collections.abc import Callable

from rich.table import Table

from bench.figures import Figures, make_table, write_estimate
from bench.histories import Histories, Team
from bench.verdicts import find_harm, find_pooled_harm, median_of, share_of

HARMED = (
    *(Team(10, 0.4), Team(10, 0.4, 0.1), Team(10, 0.45), Team(20, 0.45), Team(10, 0.3)),
    *(Team(4, 0.4), Team(4, 0.3), Team(4, 0.3, 0.1), Team(2, 0.3), Team(1, 0.2), Team(1, 0.1)),
)


def check_harm_test(draw: Callable[[Team], Histories], limit: float, figures: Figures) -> Table:
    """Table (d): a planted regression, tested with agents as clusters and with all picks pooled."""
    table = make_table(
        "(d) taken back within 1,500 picks, a look after each",
        *("share", "agents", "tastes", "taken back", "median picks", "pooled", "median picks", "ratio"),
    )
    for team in HARMED:
        histories = draw(team)
        now, pooled = find_harm(histories, limit), find_pooled_harm(histories, limit)
        name = f"{100 * team.share:.0f}{'_tastes' if team.taste_sd else ''}_{team.agents}"
        taken, median, median_pooled = share_of(now), median_of(now), median_of(pooled)
        ratio = None
        if median[0] is not None and median_pooled[0] is not None:
            ratio = figures.values[f"picks_to_demote_ratio_{name}"] = median[0] / median_pooled[0]
        table.add_row(
            f"{100 * team.share:.0f} %",
            str(team.agents),
            f"sd {team.taste_sd}" if team.taste_sd else "alike",
            figures.add(f"demoted_{name}", taken),
            figures.add(f"picks_to_demote_{name}", median),
            write_estimate(share_of(pooled)),
            figures.add(f"picks_to_demote_{name}_pooled", median_pooled),
            "-" if ratio is None else f"{ratio:.2f}",
        )
    return table


def check_wide_tastes(draw: Callable[[Team], Histories], limit: float, figures: Figures) -> Table:
    """Table (e): no harm on average, but tastes vary more between agents than the harm test allows."""
    table = make_table(
        "(e) no worse, but tastes spread further than 0.1: rolled back",
        *("spread", "agents", "rolled back", "pooled"),
    )
    for spread in (0.15, 0.2):
        for agents in (4, 10, 20):
            histories = draw(Team(agents, taste_sd=spread))
            name = f"false_rollback_sd_{100 * spread:.0f}_{agents}"
            found = figures.add(name, share_of(find_harm(histories, limit)))
            table.add_row(
                f"{spread}", str(agents), found, write_estimate(share_of(find_pooled_harm(histories, limit)))
            )
    return table
