"""Which replies of a general set a run learns from beside its own examples: as many as the ratio says, in a
seeded order. They are in no held-out split.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from trainer.data.pair_rows import hash_share
from trainer.data.tokens import encode_prompt, encode_reply
from trainer.errors import TextRefused
from trainer.mix.general_set import GeneralSet, read_general
from trainer.mix.source_set import read_source
from trainer.recipes.mix import Mix

Row = TypeVar("Row")
# Makes a row of a key, the ids of a prompt and the ids of a reply.
MakeRow = Callable[[str, list[int], list[int]], Row]


@dataclass(frozen=True)
class Mixed(Generic[Row]):
    """The rows that were mixed in, of which set, how many lines it has, and what could not be read."""

    rows: list[Row]
    name: str
    sha256: str
    lines: int
    refusals: Counter[str]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sha256": self.sha256,
            "lines": self.lines,
            "mixed_in": len(self.rows),
            "refusals": dict(self.refusals),
        }


def mix_in(
    mix: Mix, tokenizer: Any, make: MakeRow[Row], *, beside: Path, own: int, max_length: int, seed: int
) -> Mixed[Row]:
    """One general row for every `ratio` of its `own` examples, or as many as the set has. None is cut: longer
    ones are left out. `beside`: the dataset of the run. Raises RecipeRefused, DatasetMissing.
    """
    general = read_mixed(mix, beside)
    places = sorted(range(len(general.lines)), key=lambda place: hash_share("mix", seed, place))
    wanted = round(own / mix.ratio)
    rows: list[Row] = []
    refusals: Counter[str] = Counter()
    for place in places:
        if len(rows) == wanted:
            break
        *prompt, reply = (message.model_dump() for message in general.lines[place].messages)
        try:
            prompt_ids = encode_prompt(tokenizer, prompt, {})
            reply_ids = encode_reply(tokenizer, reply["content"])
        except TextRefused as refused:
            refusals[refused.reason] += 1
            continue
        if len(prompt_ids) + len(reply_ids) > max_length:
            refusals["too_long"] += 1
        else:
            rows.append(make(f"general/{general.sha256[:12]}/{place}", prompt_ids, reply_ids))
    return Mixed(rows, general.name, general.sha256, len(general.lines), refusals)


def read_mixed(mix: Mix, beside: Path) -> GeneralSet:
    if mix.general is not None:
        return read_general(Path(mix.general), mix.sha256)
    assert mix.source and mix.sha256, "take_in_source notes the dataset of a source"
    return read_source(mix.source, mix.sha256, beside)
