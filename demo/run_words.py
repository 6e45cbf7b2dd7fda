"""How a run of the nightly job ended, in words, from the answer of `GET /v1/runs/<id>`. Pure."""

from collections.abc import Iterable
from typing import Any


def describe_end(run: dict[str, Any]) -> str:
    """The gate's decision with each missed limit in words; for a run without a decision, how it ended."""
    if run["decision"] is None:
        return f"{run['state']}: {run['error'] or list_reasons(run['reasons']) or 'no reason given'}"
    reasons = list_reasons(run["reasons"])
    return f"{run['decision']}: {reasons}" if reasons else str(run["decision"])


def list_reasons(reasons: Iterable[dict[str, Any]]) -> str:
    return "; ".join(describe_reason(reason) for reason in reasons)


def describe_reason(reason: dict[str, Any]) -> str:
    words, value, limit = (reason.get(name) for name in ("text", "value", "limit"))
    figures = [f"{value:.4g}"] if value is not None else []
    figures += [f"limit {limit:.4g}"] if limit is not None else []
    return f"{words or reason['code']}" + (f" ({', '.join(figures)})" if figures else "")
