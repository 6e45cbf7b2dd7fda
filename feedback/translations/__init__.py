"""The catalogue of the pages: collected from templates, views and scripts, compiled for server and scripts.

`python -m feedback.translations` adds new words to messages.po (empty, to be translated), drops unused
ones, and writes messages.mo, static/words.zh_Hans_CN.json and static/refusal_words.js. The compiled files are
committed, so that a fresh clone needs no step; a test keeps them current. Does not translate.
"""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from feedback.advice import words as advice_words
from feedback.collection import words as collection_words
from feedback.deployment.tonight import SENTENCES as TONIGHT
from feedback.formats.messages import MESSAGES
from feedback.formats.own import OWN
from feedback.formats.report import NOTES
from feedback.morning import reasons, words
from feedback.morning.facts import BASE
from feedback.records.rejections import REASONS
from feedback.sources import grade
from feedback.web.refusals import HEADING, HEADINGS, SENTENCES
from feedback.web.sign_in import LINK_SPENT, TOKEN_WRONG
from feedback.web.ways_on import MAY, PLACES

PACKAGE = Path(__file__).resolve().parents[1]
LANGUAGE = "zh_Hans_CN"
PO_FILE = PACKAGE / "translations" / LANGUAGE / "LC_MESSAGES" / "messages.po"
MO_FILE = PO_FILE.with_suffix(".mo")
SCRIPT_FILE = PACKAGE / "static" / f"words.{LANGUAGE}.json"
REFUSALS_FILE = PACKAGE / "static" / "refusal_words.js"

FIXED = datetime(2026, 1, 1, tzinfo=UTC)  # a moving date in the header would make every update a change

METHODS = [("**.py", "python"), ("templates/**.html", "jinja2"), ("static/**.js", "javascript")]
# Texts of other modules that pages translate when they show them.
SAID_ELSEWHERE = (
    LINK_SPENT,
    TOKEN_WRONG,
    *REASONS.values(),
    *NOTES.values(),
    *(format.name for format in (*OWN.values(), MESSAGES)),
    *reasons.REASONS.values(),
    *(sentence.text for sentence in words.SENTENCES.values()),
    *words.ACTIONS.values(),
    *words.EFFECTS.values(),
    BASE,
    *grade.SENTENCES,
    *advice_words.SENTENCES.values(),
    *advice_words.FORMS.values(),
    *collection_words.SENTENCES.values(),
    *SENTENCES.values(),
    *TONIGHT.values(),
    *MAY.values(),
    *(place.words for place in PLACES.values()),
    *HEADINGS.values(),
    HEADING,
)
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


def extract_words() -> Catalog:
    """Every marked text of the package, with the files that use it."""
    found = Catalog(
        locale=LANGUAGE,
        project="Rejoinder",
        version="",
        creation_date=FIXED,
        revision_date=FIXED,
        header_comment="# What Rejoinder's pages say, in Chinese. Update: python -m feedback.translations",
        fuzzy=False,
    )
    for file, line, text, _comments, _context in extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS):
        found.add(text, locations=[(str(file), line)])
    for text in SAID_ELSEWHERE:
        found.add(text, locations=[("said elsewhere", 1)])
    return found


def read_catalogue() -> Catalog:
    with PO_FILE.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def merge_words(known: Catalog) -> Catalog:
    """The texts in use, in order of appearance, each with its known translation or none."""
    merged = extract_words()
    for message in merged:
        if message.id and message.id in known:
            message.string = known[message.id].string
    return merged


def compile_words(catalogue: Catalog) -> bytes:
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def compile_script_words(catalogue: Catalog) -> str:
    """What scripts say, as JSON: text to translation, sorted, so that it changes only with the words."""
    words = {
        message.id: message.string
        for message in catalogue
        if message.id and message.string and any(file.endswith(".js") for file, _line in message.locations)
    }
    return json.dumps(words, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def compile_refusals() -> str:
    """The sentences of feedback/web/refusals.py by their codes, as a module of the page scripts."""
    lines = [f"  {code}: () => _({json.dumps(sentence)})," for code, sentence in SENTENCES.items()]
    return "\n".join(
        (
            "// Written by `python -m feedback.translations` from feedback/web/refusals.py: change it there.",
            "",
            'import { _ } from "./i18n.js";',
            "",
            "export const SENTENCES = {",
            *lines,
            "};",
            "",
        )
    )


def list_untranslated(catalogue: Catalog) -> list[str]:
    return [str(message.id) for message in catalogue if message.id and not is_translated(message)]


def is_translated(message: Message) -> bool:
    words = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return bool(words) and all(words)


def update() -> list[str]:
    """Write all four files; the texts that still wait for a translation."""
    REFUSALS_FILE.write_text(compile_refusals(), encoding="utf-8")  # first: its words are collected, too
    catalogue = merge_words(read_catalogue()) if PO_FILE.exists() else extract_words()
    with PO_FILE.open("wb") as file:
        write_po(file, catalogue, width=110, omit_header=False, include_lineno=False, sort_by_file=False)
    MO_FILE.write_bytes(compile_words(catalogue))
    SCRIPT_FILE.write_text(compile_script_words(catalogue), encoding="utf-8")
    return list_untranslated(catalogue)
