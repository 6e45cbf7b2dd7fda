"""Names a customer for the desk from what their app passed on; nothing is looked up or guessed."""

from collections.abc import Sequence


def name_customer(customer_id: str | None, details: Sequence[str]) -> str | None:
    """The first detail that looks like a name (not a mail address or a number), else the app's id."""
    names = (said for said in details if "@" not in said and not any(sign.isdigit() for sign in said))
    return next(names, customer_id)
