"""How different two replies are, and whether a change concerns only order numbers and the like."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

from rapidfuzz.distance import Levenshtein

from feedback.records.meaning import hide_references, turns_sentence

NEAR = 0.05  # below: the same reply for all practical purposes
FAR = 0.70  # above: not an edit any more

# A word with a digit in it (order numbers, prices, dates), a word, or one sign; Chinese signs stand alone,
# having no spaces.
TOKEN = re.compile(
    r"(?:[a-z]+-?)?\d(?:[a-z0-9.,:/-]*[a-z0-9])?|(?:(?![\u3400-\u9fff])[^\W\d_])+(?:['’][a-z]+)?|\S"
)


def tidy(text: str) -> str:
    """The text in the form that is compared: NFKC-normalised, with runs of white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def edit_distance(left: str, right: str) -> float:
    """The Levenshtein distance of the tidied texts over the longer length: 0 (equal) to 1."""
    one, other = tidy(left), tidy(right)
    longer = max(len(one), len(other))
    return Levenshtein.distance(one, other) / longer if longer else 0.0


def are_near(left: str, right: str) -> bool:
    """Whether two texts are a small distance apart and no word or number changes the meaning."""
    return edit_distance(left, right) < NEAR and not turns_sentence(left, right)


def split_tokens(text: str) -> list[str]:
    return TOKEN.findall(tidy(text).casefold())


def only_details_changed(before: str, after: str, customer_texts: Iterable[str]) -> bool:
    """Whether every change is an order number or words that the customer used: correcting those says nothing
    about the reply's style.

    What is replaced may be order numbers, the customer's words, or no more words than replace it. A word that
    changes the meaning is never a detail (not, never, 不, 30 days, tomorrow).
    """
    customer_texts = list(customer_texts)
    if turns_sentence(hide_references(before), hide_references(after, named_in=customer_texts)):
        return False
    old, new = split_tokens(before), split_tokens(after)
    said = [" ".join(split_tokens(text)) for text in customer_texts]
    changed = False
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        changed = True
        gone, come = old[old_from:old_to], new[new_from:new_to]
        if not _is_detail(come, said):
            return False
        if not _is_detail(gone, said) and (
            len(gone) > len(come) or not all(_is_word(token) for token in gone)
        ):
            return False
    return changed


def _is_detail(tokens: list[str], said: list[str]) -> bool:
    """Whether all tokens hold a digit, or the tokens occur as a run in a message of the customer."""
    if all(any(sign.isdigit() for sign in token) for token in tokens):
        return True
    run = f" {' '.join(tokens)} "
    return any(run in f" {text} " for text in said)


def _is_word(token: str) -> bool:
    return any(sign.isalnum() for sign in token)
