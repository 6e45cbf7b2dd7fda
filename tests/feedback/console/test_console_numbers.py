"""What the console draws and tabulates: coordinates and rows worked out by hand."""

import pytest

from feedback.console.charts import draw_interval
from feedback.console.reports import read_report, show_value, tabulate_counts


def test_an_interval_is_in_percent() -> None:
    interval = draw_interval(0.76, 0.655, 0.84)
    assert (interval.low, interval.rate, interval.high) == (65.5, 76.0, 84.0)


def test_a_report_becomes_baselines_and_facts() -> None:
    report = {
        "n": 29,
        "uniform": {"log_loss": 1.3863, "accuracy": 0.25, "ci95": [1.38, 1.39]},
        "broken": {"adapter": 1, "base": 0},
        "length_ratio": 1.0432,
    }
    view = read_report(report)
    assert view is not None
    assert view.n == 29
    assert [(row.name, row.log_loss, row.interval) for row in view.scored] == [
        ("uniform", 1.3863, (1.38, 1.39))
    ]
    assert view.facts == [("broken · adapter", "1"), ("broken · base", "0"), ("length ratio", "1.043")]


def test_a_figure_stands_beside_bases_own_in_words_and_percent() -> None:
    view = read_report(
        {
            "kl_to_base": 0.25,
            "replay": {"kl": 0.02, "perplexity": 1.5, "perplexity_base": 1.25},
            "replies": {"copied": 0.0625, "copied_base": 0.05, "new": 0.5, "new_base": 0.25},
            "guards": {
                "kinds": {"flattery": {"broken": 0.375, "broken_base": 0.0, "worst": ["flattery-en-1"]}}
            },
        }
    )
    assert view is not None
    assert [(row.name, row.adapter, row.base) for row in view.twins] == [
        ("perplexity of the general replay set", "1.5", "1.25"),
        ("copied from the customer, of a reply", "6.2 %", "5.0 %"),
        ("replies · new", "50.0 %", "25.0 %"),
        ("guard prompts: flatters, or agrees with what is false", "37.5 %", "0.0 %"),
    ]
    assert [name for name, _ in view.facts] == [
        "kl to base",
        "replay · kl",
        "guards · kinds · flattery · worst",
    ]


def test_no_report_is_no_view() -> None:
    assert read_report(None) is None
    assert read_report({}) is None


def test_counts_become_a_table_of_kinds_by_splits() -> None:
    table = tabulate_counts(
        {"choices": {"train": 8, "test": 1}, "pairs": {"train": 20}, "kinds": {"pick": 9}, "agents": 3}
    )
    assert table.columns == ["train", "test"]
    assert table.rows == [("choices", [8, 1]), ("pairs", [20, None])]
    assert table.facts == [("kinds", "9 sent as suggested"), ("agents", "3")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "yes"), (False, "no"), (None, "–"), (0.123456, "0.1235"), (12, "12"), ([1, 2], "[1, 2]")],
)
def test_values_are_shown_shortly(value: object, shown: str) -> None:
    assert show_value(value) == shown
