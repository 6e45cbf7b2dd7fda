"""A conditional logit: in each group of rows one is chosen, with probabilities softmax(x b). It is the one
fit behind the adjusted share, the position bias of slots, the preference for words, and the scale of a
rule.

Several chosen rows of a group count by their summed chance. Knows nothing of what a row or a column stands
for. Imports numpy and scipy, so the web imports it inside functions only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]

# Rounding stops it before either of the first two does.
EXACT = {"ftol": 1e-16, "gtol": 1e-10, "maxiter": 2000}


@dataclass(frozen=True, eq=False)
class ChoiceRows:
    """The data of the fit. `x`: (rows, columns), dense or sparse, with the rows of a group next to each
    other. `starts`: (groups,), the first row of each group. `chosen`: (rows,), at least one in each group.
    `weights`: (groups,), 1 if None. `fixed`: (rows,), an offset added to x b and not fitted.
    """

    x: NDArray[np.floating[Any]] | csr_matrix
    starts: NDArray[np.intp]
    chosen: NDArray[np.bool_]
    weights: Floats | None = None
    fixed: Floats | float = 0.0

    @cached_property
    def group(self) -> NDArray[np.intp]:
        """The number of each row's group, (rows,)."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=len(self.chosen)))

    def log_shares(self, utility: Floats) -> tuple[Floats, Floats]:
        """The log-probability of each group's choice, (groups,), and its derivative by utility, (rows,)."""
        taken, parts = self._log_sums(np.where(self.chosen, utility, -np.inf))
        every, chances = self._log_sums(utility)
        return taken - every, parts - chances

    def _log_sums(self, utility: Floats) -> tuple[Floats, Floats]:
        """The log of the sum of exp(utility) in each group, (groups,), and each row's softmax, (rows,)."""
        top = np.maximum.reduceat(utility, self.starts)
        powers = np.exp(utility - top[self.group])
        sums = np.add.reduceat(powers, self.starts)
        return top + np.log(sums), powers / sums[self.group]


def find_starts(sizes: Iterable[int]) -> NDArray[np.intp]:
    """The index of the first row of each group, (groups,), from the sizes of the groups."""
    return np.cumsum([0, *sizes], dtype=np.intp)[:-1]


def fit_logit(
    rows: ChoiceRows, *, precision: float = 0.0, bounds: tuple[float, float] | None = None
) -> Floats:
    """The coefficients b of highest posterior, (columns,), with a Gaussian prior of mean 0 on each."""
    weights = np.ones(len(rows.starts)) if rows.weights is None else rows.weights
    total, columns = weights.sum(), rows.x.shape[1]

    def loss(b: Floats) -> tuple[float, Floats]:
        logs, slopes = rows.log_shares(rows.x @ b + rows.fixed)
        gradient = precision * b - rows.x.T @ (weights[rows.group] * slopes)
        return float(precision * b @ b / 2 - weights @ logs) / total, gradient / total

    limits = None if bounds is None else [bounds] * columns
    found = minimize(loss, np.zeros(columns), jac=True, method="L-BFGS-B", bounds=limits, options=EXACT)
    return np.asarray(found.x)
