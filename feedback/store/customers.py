"""By what the desk calls a customer: only what their app passed along, nothing is looked up or guessed at."""

from collections.abc import Sequence


def name_customer(customer_id: str | None, details: Sequence[str]) -> str | None:
    """The first detail that reads as a name (no mail address, no number), else the app's id."""
    names = (said for said in details if "@" not in said and not any(sign.isdigit() for sign in said))
    return next(names, customer_id)
