"""The ids that end a turn of one base, from everything that names them: its generation_config, its tokenizer
and its chat template.

Many instruct models end a turn on another token than their tokenizer's EOS. Where the sources differ, all of
them end a reply, and what the template writes after an assistant's text is what a reply should end with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from serving.facts.config_files import list_numbers, read_config_json, take_text_part
from serving.facts.template import ChatTemplate


@dataclass(frozen=True)
class TurnEnds:
    ids: tuple[int, ...] = ()
    """All ids that end a reply, sorted."""

    turn_end: int | None = None
    """The id that a reply ends with where text is made into ids; None if the base has no end at all."""

    eos: int | None = None
    bos: int | None = None


def find_turn_ends(base: Path, template: ChatTemplate) -> TurnEnds:
    """The ends of a turn, from the base's files."""
    tokens = read_token_ids(base)
    named = read_config_json(base / "tokenizer_config.json")
    eos, bos = (_find_token(named.get(name), tokens) for name in ("eos_token", "bos_token"))
    config = read_config_json(base / "config.json")
    generation = read_config_json(base / "generation_config.json") or {**config, **take_text_part(config)}
    listed = list_numbers(generation.get("eos_token_id"))
    ends = {*listed, *([eos] if eos is not None else [])}
    last, inside = template.find_endings() if template.text else (None, None)
    written = _find_first(last, tokens)
    if written is None:
        follows = _find_first(inside, tokens)
        # What opens the next turn ends this one only where the base says so, as GLM-4 does.
        written = follows if follows in ends else None
    fallback = eos if eos is not None else next(iter(listed), None)
    turn_end = written if written is not None else fallback
    return TurnEnds(
        ids=tuple(sorted(ends | ({turn_end} if turn_end is not None else set()))),
        turn_end=turn_end,
        eos=eos,
        bos=bos,
    )


def read_token_ids(base: Path) -> dict[str, int]:
    """The ids of the added tokens of a tokenizer, which are those that no text spells by its letters."""
    found = {
        str(token["content"]): int(token["id"])
        for token in read_config_json(base / "tokenizer.json").get("added_tokens", ())
    }
    for number, token in (
        read_config_json(base / "tokenizer_config.json").get("added_tokens_decoder", {}).items()
    ):
        found[str(token["content"])] = int(number)
    return found | {
        token: int(number) for token, number in read_config_json(base / "added_tokens.json").items()
    }


def _find_token(named: object, tokens: Mapping[str, int]) -> int | None:
    text = named.get("content") if isinstance(named, Mapping) else named
    return tokens.get(text) if isinstance(text, str) else None


def _find_first(text: str | None, tokens: Mapping[str, int]) -> int | None:
    """The id of the token that a text begins with, white space aside."""
    if text is None:
        return None
    written = text.lstrip()
    fitting = [token for token in tokens if token.strip() and written.startswith(token)]
    return tokens[max(fitting, key=len)] if fitting else None
