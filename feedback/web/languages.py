"""Chooses the language of a page: the cookie's, else the user's own, else the browser's, else the
setting's.

English and Chinese. The translations are in `feedback/translations/zh_Hans_CN/LC_MESSAGES/messages.po`; the
English text is the key. `python -m feedback.translations` collects and compiles them.
"""

from datetime import UTC, datetime

from babel import Locale, UnknownLocaleError
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, format_datetime, get_locale, gettext

from feedback.web.services import services

ENGLISH = "en"
CHINESE = "zh_Hans_CN"
LANGUAGES = {ENGLISH: "English", CHINESE: "中文"}
HTML_CODES = {ENGLISH: "en", CHINESE: "zh-Hans"}
COOKIE = "language"


def match_language(code: str | None) -> str | None:
    """The supported language for a code such as zh-CN, zh or en-GB; None for any other."""
    word = (code or "").lower()
    if word.startswith("zh"):
        return CHINESE
    return ENGLISH if word.startswith("en") else None


def choose_language() -> str:
    if not has_request_context():
        return ENGLISH
    chosen = match_language(request.cookies.get(COOKIE))
    if chosen:
        return chosen
    actor = g.get("actor")
    own = match_language(actor.language) if actor is not None else None
    if own:
        return own
    for code in request.accept_languages.values():
        found = match_language(code)
        if found:
            return found
    return match_language(services().settings.default_language) or ENGLISH


def current_language() -> str:
    locale = get_locale()
    return match_language(str(locale)) or ENGLISH


def show_time(at: datetime | None) -> str:
    """A time in UTC as the server renders it; a script in the page then converts it to the reader's time
    zone.
    """
    return "" if at is None else f"{format_datetime(at.astimezone(UTC), 'd MMM HH:mm')} UTC"


def show_language(code: str) -> str:
    """The name of a language in that language; the code itself where the name is not known."""
    try:
        return Locale.parse(code, sep="-").get_language_name() or code
    except (UnknownLocaleError, ValueError):
        return code


def show_share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def translate_known(text: str) -> str:
    """Translates a text that comes from another module or from a row, if the catalogue has it."""
    return gettext(text) if text else ""


def init_languages(app: Flask) -> None:
    app.config.setdefault("BABEL_DEFAULT_TIMEZONE", "UTC")
    Babel(app, locale_selector=choose_language, default_locale=ENGLISH)
    app.jinja_env.filters.update(
        time=show_time, share=show_share, language=show_language, known=translate_known
    )

    @app.context_processor
    def add_language() -> dict[str, object]:
        language = current_language()
        return {"language": language, "html_language": HTML_CODES[language], "languages": LANGUAGES}
