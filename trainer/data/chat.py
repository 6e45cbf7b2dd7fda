"""How the base of a tokenizer writes a conversation: its template, its control tokens, what ends a reply.

Read once for each tokenizer, from the files it was loaded from. Turns no text into tokens (tokens.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from serving.control_tokens import ControlTokens
from serving.facts.profile import read_profile
from serving.facts.template import TemplateFacts
from serving.thoughts import find_thought_ids
from trainer.errors import BaseWithoutChat


@dataclass(frozen=True)
class Chat:
    """`end`: the id that ends every reply that is trained on. `ends`: all ids that end one. `rows`: ids from
    here on have no embedding. `pad`: an id to fill rows with; it is masked wherever it stands.
    `thoughts`: ids that begin a thought (True) or end one.
    """

    template: TemplateFacts
    control: ControlTokens
    end: int
    ends: frozenset[int]
    rows: int
    pad: int
    thoughts: Mapping[int, bool]

    def end_reply(self, ids: list[int]) -> list[int]:
        """The ids with exactly one end: written replies have none, generated ones whichever the model
        took.
        """
        while ids and ids[-1] in self.ends:
            ids = ids[:-1]
        return [*ids, self.end]

    def cut_thoughts(self, ids: list[int]) -> list[int]:
        """The ids without thoughts whose marks are tokens, which a decoder may leave out."""
        reply: list[int] = []
        thinks = False
        for token in ids:
            if token not in self.thoughts:
                reply += [] if thinks else [token]
            elif thinks := self.thoughts[token]:
                continue
            else:
                reply = []
        return reply


@lru_cache(maxsize=4)
def read_chat(tokenizer: Any) -> Chat:
    """Raises BaseWithoutChat if the base has no chat template, or nothing that ends a turn."""
    folder = Path(tokenizer.name_or_path)
    facts = read_profile(folder)
    if not facts.template.text:
        raise BaseWithoutChat(
            folder, "no chat template", "Choose an instruct model, or add chat_template.jinja to its folder"
        )
    end = facts.ends.turn_end
    if end is None:
        raise BaseWithoutChat(
            folder,
            "no token that ends a turn",
            "Name one as eos_token in tokenizer_config.json, the one that its chat template writes",
        )
    return Chat(
        template=facts.template,
        control=choose_control_tokens(tokenizer),
        end=end,
        ends=frozenset(facts.ends.ids),
        rows=facts.embedding_rows or len(tokenizer),
        thoughts=find_thought_ids(tokenizer.get_added_vocab()),
        pad=end if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
    )


@lru_cache(maxsize=4)
def choose_control_tokens(tokenizer: Any) -> ControlTokens:
    """The control tokens of a loaded tokenizer, equal to those that `serving.control_tokens` reads from its
    files.
    """
    added = {token.content: token.special for token in tokenizer.added_tokens_decoder.values()}
    template = tokenizer.chat_template or ""
    templates = [template] if isinstance(template, str) else list(template.values())
    return ControlTokens.choose(added | dict.fromkeys(tokenizer.all_special_tokens, True), templates)
