"""The links of an error page: what this reader may do, and the page that lists what they looked for.

For pages of staff only. Customers know no page but their conversation, and programs read JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, url_for

from feedback.errors import ApiError, NotFound, NotPermitted

MAY: Mapping[str, str] = {
    "labeller": "As a labeller, you label what the tasks on the page Label hand you.",
    "agent": "As an agent, you answer customers in the workbench.",
    "expert": "As an expert, you may read the console, approve adapters and judge duels. People and tokens, "
    "and what starts runs or changes what serves, are for admins.",
}


@dataclass(frozen=True)
class ConsoleList:
    """A list in the console that would contain what was asked for."""

    endpoint: str
    words: str
    roles: tuple[str, ...] = ("expert", "admin")


PLACES: Mapping[str, ConsoleList] = {
    "adapter": ConsoleList("console.list_adapters", "See all adapters"),
    "dataset": ConsoleList("console.list_datasets", "See all datasets"),
    "duel": ConsoleList("console_duels.list_duels", "See all duels"),
    "source": ConsoleList("console_sources.show_sources", "See all sources"),
    "run": ConsoleList("console.list_runs", "See all runs"),
    "user": ConsoleList("console_actions.list_people", "See everybody", ("admin",)),
    "token": ConsoleList("console_actions.list_people", "See everybody", ("admin",)),
}


@dataclass(frozen=True)
class WayOn:
    """`may` says what the role is allowed to do; `place` is an address with its link text."""

    may: str | None = None
    sign_in: str | None = None
    place: tuple[str, str] | None = None


def find_way_on(error: ApiError, role: str | None) -> WayOn:
    if role is None:
        return WayOn()
    if isinstance(error, NotPermitted) and role in MAY:
        asked = request.full_path.rstrip("?") if request.method == "GET" else None
        return WayOn(may=MAY[role], sign_in=url_for("sign_in.show", next=asked))
    place = PLACES.get(error.what) if isinstance(error, NotFound) else None
    if place is not None and role in place.roles:
        return WayOn(place=(url_for(place.endpoint), place.words))
    return WayOn()
