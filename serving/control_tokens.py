"""Keeps what people wrote from becoming a control token of the base, such as `<|im_start|>`, in serving and
in training alike.

The control tokens of a prompt come from the chat template alone: wherever a text spells one, a space is put
into it, which no tokenizer takes out again. Every other text stays as it is, byte for byte. Knows a tokenizer
by its files, or by what the trainer read of them; loads none.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

Message = dict[str, str]
Place = tuple[int, int]  # which text, which character of it

# Marks that templates write around turns, though they are not one token: [INST], <<SYS>>, <start_of_turn>.
_WRITTEN = re.compile(r"<</?[A-Z]+>>|</?[|｜]?[A-Za-z_][\w.▁-]*[|｜]?>|\[/?[A-Z][A-Z_]+\]")
# Added tokens that are not special but count as control tokens: <think> and <table>, but no words or spaces.
_MARKUP = re.compile(r"[<\[{|].*\w.*[>\]}|]", re.DOTALL)
# For folded texts when the tokenizer is not at hand: whatever looks like a control token of some base.
_ANY = re.compile(r"<\|[^<>|]{1,60}\|>|<</?[a-z]+>>|</?[a-z_][\w.-]{0,60}>|\[/?[a-z][a-z_]{1,60}\]")
_GONE = "\ufffd"


class _Folding(dict[int, str]):
    """A cache from a code point to its folded character: what a lenient tokenizer may take it for.

    Compatible forms and cases become one; accents and characters without a shape disappear.
    """

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shapes = unicodedata.normalize("NFKD", char).casefold()
        self[code] = " " if char == "▁" else "".join(c for c in shapes if not _is_shapeless(c))
        return self[code]


def _is_shapeless(char: str) -> bool:
    return unicodedata.category(char)[0] in "MC" and char not in "\t\n\r"


_FOLDING = _Folding()


def fold(text: str) -> str:
    """The text without what a lenient tokenizer ignores: case, accents, compatible or invisible forms."""
    return text.translate(_FOLDING)


@dataclass(frozen=True)
class ControlTokens:
    """The control tokens of one base, as a pattern that no folded text may match."""

    pattern: re.Pattern[str]

    @classmethod
    def choose(cls, added: Mapping[str, bool], templates: Iterable[str]) -> "ControlTokens":
        """Chooses which tokens and marks count as control tokens.

        `added` says of each token beside the learnt vocabulary whether it is special. Special tokens count,
        and so do tokens that look like markup and the marks that the chat templates write.
        """
        chosen = {token for token, special in added.items() if special or _MARKUP.fullmatch(fold(token))}
        chosen |= {mark for template in templates for mark in _WRITTEN.findall(template)}
        folded = {fold(token) for token in chosen} - {""}
        longest_first = sorted((one for one in folded if one.strip()), key=lambda one: (-len(one), one))
        return cls(re.compile("|".join(map(re.escape, longest_first)) or "(?!)"))

    def break_in(self, text: str) -> str:
        """The text with a space in every spelling of a control token."""
        return self._break_all([text])[0]

    def break_in_messages(self, messages: Sequence[Mapping[str, str]]) -> list[Message]:
        """The messages with a space in every spelling of a control token, also in one that runs from a
        message into the next: a template may write nothing between them.
        """
        broken = self._break_all([message["content"] for message in messages])
        return [{**message, "content": text} for message, text in zip(messages, broken, strict=True)]

    def break_in_value(self, value: Any) -> Any:
        """A JSON value with a space in every spelling of a control token, in keys and in texts."""
        if isinstance(value, str):
            return self.break_in(value)
        if isinstance(value, Mapping):
            return {self.break_in(key): self.break_in_value(inner) for key, inner in value.items()}
        return [self.break_in_value(inner) for inner in value] if isinstance(value, list) else value

    def _break_all(self, texts: list[str]) -> list[str]:
        # Templates may strip contents, so the space around each text is ignored. One pass breaks spellings
        # that do not overlap; the next pass finds those that overlapped with one of them.
        while self.pattern.search("".join(fold(text.strip()) for text in texts)):
            texts = self._break_once(texts)
        return texts

    def _break_once(self, texts: list[str]) -> list[str]:
        folded, places = _fold_with_places(texts)
        changed = [list(text) for text in texts]
        for found in self.pattern.finditer(folded):
            spelling = places[found.start() : found.end()]
            inside = _find_inside(spelling)
            number, place = inside or spelling[0]
            changed[number][place] = f" {changed[number][place]}" if inside else _GONE
        return ["".join(chars) for chars in changed]


# It breaks more texts than it must, so it is used only if nothing is known of the base but its address.
ANY_MARKUP = ControlTokens(_ANY)


def _fold_with_places(texts: Sequence[str]) -> tuple[str, list[Place]]:
    """The folded texts as one string, and for each of its characters the text and place it comes from."""
    folded: list[str] = []
    places: list[Place] = []
    for number, text in enumerate(texts):
        start = len(text) - len(text.lstrip())
        for place, char in enumerate(text.strip(), start):
            shape = _FOLDING[ord(char)]
            folded.append(shape)
            places += [(number, place)] * len(shape)
    return "".join(folded), places


def _find_inside(places: Sequence[Place]) -> Place | None:
    """The place of the first character that follows another one of the same text, or None.

    A space goes before it and stays there: templates strip only the ends of a text.
    """
    return next(
        (after for before, after in pairwise(places) if before[0] == after[0] and before != after), None
    )


def read_control_tokens(base: Path) -> ControlTokens:
    """Reads the control tokens of the base model in this folder."""
    config = _read_json(base / "tokenizer_config.json")
    added = {
        token["content"]: token["special"]
        for token in _read_json(base / "tokenizer.json").get("added_tokens", ())
    }
    added |= dict.fromkeys(_read_json(base / "added_tokens.json"), False)
    for token in config.get("added_tokens_decoder", {}).values():
        added[token["content"]] = token.get("special", False) or added.get(token["content"], False)
    for named in (config, _read_json(base / "special_tokens_map.json")):
        added |= dict.fromkeys(_list_special(named), True)
    template = config.get("chat_template") or ()
    templates = [template] if isinstance(template, str) else [each["template"] for each in template]
    for path in (*base.glob("*.jinja"), *base.glob("additional_chat_templates/*.jinja")):
        templates.append(path.read_text(encoding="utf-8"))
    return ControlTokens.choose(added, templates)


def _list_special(named: Mapping[str, Any]) -> list[str]:
    """The special tokens that a tokenizer file names: bos_token and the like, and lists of further ones."""
    found = [value for key, value in named.items() if key.endswith("_token")]
    for key in ("additional_special_tokens", "extra_special_tokens"):
        listed = named.get(key) or ()
        found += listed.values() if isinstance(listed, Mapping) else listed
    texts = [value["content"] if isinstance(value, Mapping) else value for value in found]
    return [text for text in texts if isinstance(text, str)]


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
