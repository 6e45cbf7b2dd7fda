"""The catalogue is whole and its compiled files are current."""

import json
import re

import pytest

from feedback import translations
from feedback.records.rejections import REASONS

PLACES = re.compile(r"%\((\w+)\)s|%%")


def test_every_text_has_a_chinese_translation() -> None:
    merged = translations.merge_words(translations.read_catalogue())
    assert translations.list_untranslated(merged) == []
    assert len(merged) > 300


def test_no_translation_stands_for_a_text_that_nobody_says() -> None:
    said = {str(message.id) for message in translations.extract_words()}
    assert {str(message.id) for message in translations.read_catalogue()} == said


def test_the_compiled_files_are_current() -> None:
    words = translations.read_catalogue()
    assert translations.MO_FILE.read_bytes() == translations.compile_words(words)
    assert translations.SCRIPT_FILE.read_text(encoding="utf-8") == translations.compile_script_words(words)
    assert translations.REFUSALS_FILE.read_text(encoding="utf-8") == translations.compile_refusals()


def test_translations_keep_the_places_of_values() -> None:
    for message in translations.read_catalogue():
        texts = message.id if isinstance(message.id, tuple | list) else (message.id,)
        translated = message.string if isinstance(message.string, tuple | list) else (message.string,)
        for words in translated:
            assert sorted(PLACES.findall(words)) == sorted(PLACES.findall(texts[-1])), texts


def test_scripts_get_only_what_they_say() -> None:
    words = json.loads(translations.SCRIPT_FILE.read_text(encoding="utf-8"))
    assert words["Taken back."] == "已撤回。"
    assert "Support rate" not in words


@pytest.mark.parametrize("reason", sorted(REASONS.values()))
def test_every_reason_of_a_refusal_can_be_said_in_chinese(reason: str) -> None:
    assert translations.read_catalogue()[reason].string
