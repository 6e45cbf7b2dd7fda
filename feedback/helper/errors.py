"""Why the helper gave no answer. None of these reaches a page: they end in a command or in a log.

HelperError
  HelperOff, HelperKeyMissing                     the settings
  BudgetSpent, HelperResting, HelperBusy          it is not asked now; what waits is asked later
  HelperAway, HelperRefused                       it cannot be asked
  AnswerRefused, AnswerInvalid, AnswerUnknown     it was asked, and is not asked this again
  ItemGone, TextGone                              there is nothing to ask about any more
  JudgesItself                                    it must not be asked this
"""

from datetime import datetime
from pathlib import Path


class HelperError(Exception):
    """One sentence, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class HelperOff(HelperError):
    def __init__(self) -> None:
        super().__init__("There is no helper.", "Name one in [helper] address; everything works without one.")


class HelperKeyMissing(HelperError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"The key of the helper cannot be read from {path}.", "Correct [helper] key_file.")


class BudgetSpent(HelperError):
    def __init__(self, spent: int, needed: int, limit: int) -> None:
        super().__init__(
            f"The helper has {spent} of {limit} tokens of today, and this takes up to {needed} more.",
            "It goes on at midnight UTC; or raise [helper] daily_tokens.",
        )


class HelperResting(HelperError):
    def __init__(self, host: str, until: datetime) -> None:
        super().__init__(
            f"The helper at {host} failed ten times in a row and is left alone until {until:%H:%M} UTC.",
            "`rejoinder doctor` says whether it answers.",
        )


class HelperBusy(HelperError):
    def __init__(self) -> None:
        super().__init__("Another process asks the helper this just now.", "Wait for its answer.")


class HelperAway(HelperError):
    def __init__(self, host: str, code: str) -> None:
        super().__init__(f"The helper at {host} does not answer ({code}).", "Try again later.")


class HelperRefused(HelperError):
    def __init__(self, host: str, code: str) -> None:
        super().__init__(
            f"The helper at {host} does not take the request ({code}).",
            "Check [helper] address, model and key with `rejoinder helper check`.",
        )


class AnswerRefused(HelperError):
    def __init__(self, use: str) -> None:
        super().__init__(f"The model does not want to answer this ({use}).", "People answer it.")


class AnswerInvalid(HelperError):
    def __init__(self, use: str) -> None:
        super().__init__(f"Two answers of the model were not in the schema ({use}).", "People answer it.")


class AnswerUnknown(HelperError):
    def __init__(self, use: str) -> None:
        super().__init__(
            f"Two requests may have been answered, and neither answer arrived ({use}).",
            "Both are counted as paid, and it is not asked a third time.",
        )


class ItemGone(HelperError):
    def __init__(self, item_id: str) -> None:
        super().__init__(f"Item {item_id} was taken out or erased.", "Nothing needs to be done.")


class TextGone(HelperError):
    def __init__(self, name: str) -> None:
        super().__init__(f"The texts of {name} were erased.", "Nothing needs to be done.")


class JudgesItself(HelperError):
    def __init__(self, use: str, model: str) -> None:
        super().__init__(
            f"The helper {model} would judge replies of its own model ({use}).",
            "Name another model in [helper], or let people judge.",
        )
