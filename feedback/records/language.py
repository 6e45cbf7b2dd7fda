"""Detects which script and language a text is written in, and says "unknown" where that cannot be decided.

The script comes from the Unicode name of each letter. A script that only one language uses decides the
language. Latin and the few other scripts that several languages share are decided by py3langid, from 20
letters on and where it is confident. There is no list of scripts that could be incomplete, and nothing is
translated.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Protocol

ENOUGH_LETTERS = 20
SURE = 0.8  # 0 of 4,300 English sentences of customers and agents are taken for another language
ENOUGH_HAN = 8  # signs without any kana that are no Japanese heading
KANA_SHARE = 0.1

# Scripts without spaces between words, and how many signs say as much as a word of the others.
UNSPACED = {"HAN": 1, "JAPANESE": 2, "THAI": 4, "LAO": 4, "KHMER": 4, "MYANMAR": 4, "TIBETAN": 4}
SOLE_LANGUAGES = {
    "HAN": "zh", "JAPANESE": "ja", "HANGUL": "ko", "BOPOMOFO": "zh", "GREEK": "el", "HEBREW": "he",
    "ARMENIAN": "hy", "GEORGIAN": "ka", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my",
    "TIBETAN": "bo", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu",
    "GURMUKHI": "pa", "ORIYA": "or", "SINHALA": "si", "BENGALI": "bn", "THAANA": "dv",
}  # fmt: skip
# The official languages that share a script; dialects beside them would only make every answer unsure.
SHARED_BY = {
    "LATIN": "af az ca cs cy da de en es et eu fi fr ga gl hr hu id is it lt lv mt nl no pl pt ro sk sl sq "
    "sv sw tl tr vi",
    "CYRILLIC": "be bg kk ky mk mn ru sr uk",
    "ARABIC": "ar fa ps ur",
    "DEVANAGARI": "hi mr ne",
}
NAMES = {"CJK": "HAN", "HIRAGANA": "JAPANESE", "KATAKANA": "JAPANESE", "IDEOGRAPHIC": "HAN"}

SIGNS_KEPT = 8_192  # those of a few languages, Chinese among them
ENOUGH_TEXT = 4_000  # characters that tell the language of any longer text

# Addresses and codes such as AB-123 are of no language. Each pattern takes a run whole and never looks back,
# so that a text of one run takes no longer than any other.
_LINK = re.compile(r"(?:https?://|www\.)[!-~]+")
_RUN = re.compile(r"\S+")
_CODE = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Writing:
    """The script and language of most of a text; `language` is an ISO 639-1 code, or None for unknown."""

    script: str
    language: str | None
    is_doubtful: bool = False  # so few signs that it may be a Japanese heading as well as Chinese


class Identifier(Protocol):
    def classify(self, text: str) -> tuple[str, float]: ...
    def set_languages(self, langs: list[str]) -> None: ...


def find_writing(text: str) -> Writing | None:
    """The script and language of a text; None without words, or with two scripts in equal parts."""
    words = [*split_words(text)]
    counts = Counter(script for script, _ in words)
    kana, han = counts["JAPANESE"], counts["HAN"]
    if kana > 1 and kana > KANA_SHARE * (kana + han):  # kanji between kana are Japanese
        counts["JAPANESE"] += counts.pop("HAN", 0)
    said = {script: count / UNSPACED.get(script, 1) for script, count in counts.items()}
    script = max(said, key=said.__getitem__, default="")
    if not said.get(script) or [*said.values()].count(said[script]) > 1:
        return None
    if script in SHARED_BY:
        own = " ".join(word for of, word in words if of == script)
        return Writing(script, _identify(own, script))
    is_doubtful = script == "HAN" and han < ENOUGH_HAN and _is_in_japan("".join(word for _, word in words))
    return Writing(script, SOLE_LANGUAGES.get(script), is_doubtful)


def is_other(wanted: Writing, given: Writing) -> bool:
    """Whether `given` is surely in another language than `wanted`; False where either is unknown."""
    if wanted.script != given.script:
        doubtful = wanted.is_doubtful or given.is_doubtful
        return not doubtful or "JAPANESE" not in (wanted.script, given.script)
    return None not in (wanted.language, given.language) and wanted.language != given.language


def find_language(texts: Iterable[str]) -> str | None:
    """The language of one person's texts, decided on all of them together."""
    found = find_writing("\n".join(text[:ENOUGH_TEXT] for text in texts))
    return found.language if found is not None else None


def split_words(text: str) -> Iterator[tuple[str, str]]:
    """Yields words, or the characters of scripts without spaces, each with its script; codes are left out."""
    plain = drop_codes(unicodedata.normalize("NFKC", text[:ENOUGH_TEXT]))
    script, word = "", ""
    for sign in f"{plain} ":
        found = find_script(sign)
        if found is None:
            word += sign if word else ""
            continue
        if word and (found != script or script in UNSPACED):
            if script != "LATIN" or len(word) > 1:
                yield script, word
            word = ""
        script = found
        word += sign if found else ""


def drop_codes(text: str) -> str:
    """The text without links, mail addresses, and words that hold a digit."""
    without_links = _LINK.sub(" ", text)
    without_mails = _RUN.sub(lambda run: " " if "@" in run[0][1:-1] else run[0], without_links)
    return _CODE.sub(lambda run: " " if any(map(str.isdigit, run[0])) else run[0], without_mails)


@lru_cache(SIGNS_KEPT)
def find_script(sign: str) -> str | None:
    """The script of a letter in capitals, from its Unicode name; None for a mark, which belongs to the letter
    before it, and empty for all else.
    """
    kind = unicodedata.category(sign)
    if kind[0] == "M" or kind == "Lm":
        return None
    first = unicodedata.name(sign, "").partition(" ")[0] if kind[0] == "L" else ""
    return NAMES.get(first, first)


def _is_in_japan(text: str) -> bool:
    """Whether all characters are in the Japanese character set, which lacks the simplified Chinese ones."""
    try:
        text.encode("shift_jis")
    except UnicodeEncodeError:
        return False
    return True


def _identify(text: str, script: str) -> str | None:
    if len([*islice(filter(str.isalpha, text), ENOUGH_LETTERS)]) < ENOUGH_LETTERS:
        return None
    language, confidence = load_identifier().classify(text)
    return language if confidence >= SURE and language in SHARED_BY[script].split() else None


@cache
def load_identifier() -> Identifier:
    """Loads py3langid for the languages in `SHARED_BY`: a second and 80 MB, the first time."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found: Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(" ".join(SHARED_BY.values()).split())
    return found
