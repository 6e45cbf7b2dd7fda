"""Why a change of the tree is refused. Each names the tag that is in the way."""

from feedback.errors import ApiError, Conflict


class TagNameInvalid(ApiError):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            422,
            "tag_name_invalid",
            f"{name[:80]!r} is no name of a tag: {why}.",
            "A name has 1 to 64 characters and no / or : in it; a path joins names with /.",
        )


class TagTaken(Conflict):
    def __init__(self, path: str) -> None:
        self.named = path
        super().__init__(
            "tag_taken",
            f"There is a tag {path!r} already.",
            "Choose another name, or merge the two.",
        )


class AliasTaken(Conflict):
    def __init__(self, name: str, path: str) -> None:
        self.named = path
        super().__init__(
            "alias_taken",
            f"{name!r} is another name of the tag {path!r} already.",
            f"Choose another name, or use {path!r}.",
        )


class TagCycle(Conflict):
    def __init__(self, path: str, below: str) -> None:
        self.named = below
        super().__init__(
            "tag_cycle",
            f"The tag {path!r} cannot go into {below!r}, which is itself or lies below it.",
            "Choose a tag outside its own subtree.",
        )


class TagHasChildren(Conflict):
    def __init__(self, path: str, child: str) -> None:
        self.named = child
        super().__init__(
            "tag_has_children",
            f"The tag {path!r} has a tag below it that is in use: {child!r}.",
            "Retire, move or merge that one first.",
        )


class TagState(Conflict):
    def __init__(self, path: str, state: str) -> None:
        self.named = path
        super().__init__(
            "tag_state",
            f"The tag {path!r} is {state}.",
            "It is in use, so there is nothing to restore."
            if state == "active"
            else "Restore it first, or choose another one.",
        )


class TagChanged(Conflict):
    """What is to be taken back was built upon since."""

    def __init__(self, path: str) -> None:
        self.named = path
        super().__init__(
            "tag_changed",
            f"The tag {path!r} was changed or used since, so this cannot be taken back.",
            "Take back the later changes first, newest first.",
        )
