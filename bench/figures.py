"""Results of a simulation with their standard errors: as text for a table, and by name for the JSON line."""

from rich.table import Table

from bench.report import FigureValues

Estimate = tuple[float | None, float | None]  # a figure and its standard error


class Figures:
    """Figures by name for the JSON line, each followed by its standard error."""

    def __init__(self) -> None:
        self.values: FigureValues = {}

    def add(self, name: str, estimate: Estimate) -> str:
        """Stores a result under its name and returns its text for a table."""
        value, error = estimate
        self.values[name], self.values[f"{name}_se"] = value, error
        return write_estimate(estimate)


def write_estimate(estimate: Estimate) -> str:
    value, error = estimate
    if value is None:
        return "-"
    digits = 3 if abs(value) <= 1 else 0
    return f"{value:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")


def make_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", min_width=60)
    for column in columns:
        table.add_column(column, justify="right")
    return table
