"""The names of made records. A child is called after its parent and the operation, so that it needs no row
of its own and is found and erased with its parent.
"""

BY_RULE = ("synonym", "order")
BY_HELPER = (
    "back_translate",
    "paraphrase",
    "question",
)  # which has written the texts before (feedback/helper/)
OPERATIONS = (*BY_RULE, *BY_HELPER)
SEED = 1  # of all builds: equal records and operations give equal children
MARK = "~"


def name_child(parent: str, operation: str) -> str:
    return f"{parent}{MARK}{operation}"


def split_child(name: str) -> tuple[str, str] | None:
    """The parent's name and the operation of what may be a child; None for any other name."""
    parent, mark, operation = name.rpartition(MARK)
    return (parent, operation) if mark and operation in OPERATIONS else None
