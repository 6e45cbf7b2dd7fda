"""Turns choices and thumbs into preference pairs: a preferred (chosen) and another (rejected) text. Pure.

Pairs whose texts mean the same at a distance below 0.05 are dropped: training on almost equal texts lowers
the likelihood of both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from feedback.records.distance import are_near, edit_distance
from feedback.records.normalise import settle_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import FORMS, ChoiceForm, Form, PairForm, read_form

TextPair = tuple[str, str, str]  # suffix of the pair's id, chosen, rejected


def pair_choice(record: Mapping[str, Any]) -> list[TextPair | Refusal]:
    """Every pair that follows from a settled choice in its record form."""
    return [
        refuse_close(chosen, rejected) or (suffix, chosen, rejected)
        for suffix, chosen, rejected in rank_texts(record)
    ]


def gives_pair(record: Mapping[str, Any]) -> bool:
    """Whether at least one pair follows from a settled choice."""
    return any(refuse_close(chosen, rejected) is None for _, chosen, rejected in rank_texts(record))


def rank_texts(record: Mapping[str, Any]) -> list[TextPair]:
    """What a settled choice prefers to what, close texts included. The order of preference is edited >
    picked > others, own > all, tied > the rest.
    """
    texts = [reply["text"] for reply in record["candidates"]]
    picked, own, edited = record["picked"], record["own"], record["edited"]
    others = [index for index in range(len(texts)) if index not in picked]
    ranked: list[TextPair] = []
    if own is not None:
        ranked += [(f"own>{index}", own, texts[index]) for index in others]
    if edited is not None:
        ranked += [(f"edited>{index}", edited, texts[index]) for index in picked]
    return ranked + [(f"{up}>{down}", texts[up], texts[down]) for up in picked for down in others]


def refuse_close(chosen: str, rejected: str) -> Refusal | None:
    if not are_near(chosen, rejected):
        return None
    return Refusal("too_close", f"distance {edit_distance(chosen, rejected):.3f}")


@dataclass(frozen=True)
class ThumbMark:
    """The facts of a thumb that matching needs; `position` is its index in the stream."""

    position: int
    prompt_hash: str
    conversation: str
    split: str
    text: str
    up: bool


def match_thumbs(marks: Iterable[ThumbMark]) -> Iterator[tuple[ThumbMark, ThumbMark] | Refusal]:
    """Yields (up, down) pairs of thumbs that share the prompt and the split, but differ in text and
    conversation. Each thumb is used once, in the order of arrival. Where only the splits differ, a refusal
    is yielded.
    """
    ups: dict[str, list[ThumbMark]] = defaultdict(list)
    downs: dict[str, list[ThumbMark]] = defaultdict(list)
    for mark in marks:
        (ups if mark.up else downs)[mark.prompt_hash].append(mark)
    for prompt_hash, waiting in ups.items():
        free = downs.get(prompt_hash, [])
        for up in waiting:
            fitting = [
                down
                for down in free
                if down.conversation != up.conversation and refuse_close(up.text, down.text) is None
            ]
            down = next((down for down in fitting if down.split == up.split), None)
            if down is not None:
                free.remove(down)
                yield up, down
            elif fitting:
                yield Refusal("split_across")


def settle_import(name: str, body: dict[str, Any]) -> Form | Refusal:
    """The settled form of an imported record, or the reason why no dataset can ever take it."""
    form = read_form(FORMS[name], body)
    if isinstance(form, ChoiceForm):
        return settle_choice(form)
    if isinstance(form, PairForm):
        return refuse_close(form.chosen[-1].content, form.rejected[-1].content) or form
    return form
