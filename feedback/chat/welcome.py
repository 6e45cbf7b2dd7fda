"""The customer page's greeting, in the page's language: the desk's name, a welcome text, examples.

The texts come from the settings. A language without a text gets the one of the desk's own language, else the
one of the other language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from flask_babel import gettext as _

from feedback.settings import FeedbackSettings, PageLanguage
from feedback.web.languages import CHINESE, current_language, match_language

T = TypeVar("T")


@dataclass(frozen=True)
class Welcome:
    name: str
    greeting: str
    examples: tuple[str, ...]


def find_welcome(settings: FeedbackSettings) -> Welcome:
    return Welcome(
        name=pick_words(settings, settings.chat_name) or _("Customer service"),
        greeting=pick_words(settings, settings.chat_greeting) or _("How can we help?"),
        examples=pick_words(settings, settings.chat_examples) or (),
    )


def pick_words(settings: FeedbackSettings, given: Mapping[PageLanguage, T]) -> T | None:
    for language in (current_language(), match_language(settings.default_language)):
        found = given.get("zh" if language == CHINESE else "en")
        if found is not None:
            return found
    return next(iter(given.values()), None)
