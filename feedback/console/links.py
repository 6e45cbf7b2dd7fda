"""The address of the rows behind a count: every count in the console gets its link here."""

from datetime import datetime
from typing import Any

from flask import url_for


def rows_of(
    *,
    q: str | None = None,
    language: str | None = None,
    verdict: str | None = None,
    arm: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    **wishes: str | int | None,
) -> str:
    """The address of the page of conversations with these filters; `wishes` are its other query
    parameters.
    """
    times = {"since": since and since.isoformat(), "until": until and until.isoformat()}
    asked = {"q": q, "language": language, "verdict": verdict, "arm": arm, "state": state, **wishes, **times}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value not in (None, "")}
    return url_for("console_conversations.list_conversations", **given)
