"""What bench.loop prints of its nights, worked out from made-up ones."""

import io

import pytest
from rich.console import Console

from bench.nights import LastAdapter, Played, find_figures, tabulate_nights
from demo.simulate import Night, Serving

TOO_WARM = {
    "code": "broken_sampled",
    "text": "more broken sampled replies than base",
    "value": 0.0275,
    "limit": 0.015,
}
REPLIES = {
    "broken_greedy": 0.02,
    "broken_greedy_base": 0.0,
    "broken_sampled": 0.0275,
    "broken_sampled_base": 0.005,
}


def make_night(number, rate=None, *, reasons=(), live=None, canary=None, report=None):
    run = {
        "state": "done",
        "decision": "refused" if reasons else "passed",
        "reasons": list(reasons),
        "error": None,
        "report": {"kl_to_base": 0.01 * number, "chosen_shift": 0.2, "replies": REPLIES} | (report or {}),
    }
    support = rate and {"rate": rate, "low": rate - 0.05, "high": rate + 0.04, "counted": 290}
    return Night(number, {"pick": 300}, 0, run, Serving(live, canary), 60.0, support or None)


def make_played():
    """Seed 2's second night was refused: what passed before it goes on serving."""
    return [
        Played(
            1,
            [make_night(1, 0.72, canary="tuned-1"), make_night(2, 0.80, live="tuned-1", canary="tuned-2")],
            LastAdapter(greedy=0, sampled=0.006, sampled_base=0.002),
        ),
        Played(
            2,
            [make_night(1, 0.76, canary="tuned-1"), make_night(2, reasons=[TOO_WARM], canary="tuned-1")],
            LastAdapter(greedy=1, sampled=0.010, sampled_base=0.004),
        ),
    ]


def print_table(played):
    shown = io.StringIO()
    Console(width=250, file=shown).print(tabulate_nights(played))
    rows = [line for line in shown.getvalue().splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows]


def test_each_night_of_each_seed_has_a_row_and_each_night_a_mean():
    base = "base 0.0%, 0.50%"
    assert print_table(make_played()) == [
        ["1", "1", "72.0 % (67.0 to 76.0) of 290", f"2.0%, 2.75%; {base}", "passed", "tuned-1 (canary)"],
        [
            *("1", "2", "80.0 % (75.0 to 84.0) of 290", f"2.0%, 2.75%; {base}", "passed"),
            "tuned-1 (live), tuned-2 (canary)",
        ],
        ["2", "1", "76.0 % (71.0 to 80.0) of 290", f"2.0%, 2.75%; {base}", "passed", "tuned-1 (canary)"],
        [
            *("2", "2", "not measured", f"2.0%, 2.75%; {base}"),
            "refused: more broken sampled replies than base (0.0275, limit 0.015)",
            "tuned-1 (canary)",
        ],
        ["mean", "1", "74.0 %, 2 of 2 seeds", "", "passed 2 of 2", ""],
        ["mean", "2", "80.0 %, 1 of 2 seeds", "", "passed 1 of 2", ""],
    ]


def test_figures_are_means_with_each_seed_beside_them():
    assert find_figures(make_played()) == pytest.approx(
        {
            "support_night_1": 0.74,
            "support_night_1_seed_1": 0.72,
            "support_night_1_seed_2": 0.76,
            "kl_night_1": 0.01,
            "shift_night_1": 0.2,
            "support_night_2": 0.80,
            "support_night_2_seed_1": 0.80,
            "support_night_2_seed_2": None,
            "kl_night_2": 0.02,
            "shift_night_2": 0.2,
            "refused_nights": 1,
            "broken_greedy": 1,
            "broken_excess": 0.005,
            "broken_base": 0.003,
        }
    )


def test_one_seed_has_the_plain_names_alone():
    figures = find_figures(make_played()[:1])
    assert [name for name in figures if "seed" in name] == []
    assert (figures["support_night_1"], figures["support_night_2"]) == (0.72, 0.80)
    assert figures["refused_nights"] == 0


def test_a_night_without_a_verdict_counts_as_refused():
    night = make_night(1)
    night.run |= {"state": "failed", "decision": None, "error": "Diverged at step 3", "report": None}
    figures = find_figures([Played(1, [night])])
    assert figures["refused_nights"] == 1
    assert figures["support_night_1"] is figures["broken_excess"] is figures["kl_night_1"] is None
