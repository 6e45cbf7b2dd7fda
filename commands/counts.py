"""Counts in lines for people. Pages have gettext's plurals; the command line speaks English alone."""


def count_nouns(count: int, one: str) -> str:
    """`1 record`, `2 records`. All that the commands count makes its plural with an s."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"
