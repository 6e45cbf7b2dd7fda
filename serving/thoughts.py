"""Cuts the thoughts off a reply: what a thinking model writes for itself before it answers.

They are neither shown nor trained on. Switching thinking off is the template's business
(`serving.prompt.choose_arguments`); this is for models that think all the same.
"""

import re
from collections.abc import Mapping

_NAMES = "think|thinking|thought"
_START, _END = rf"<(?:{_NAMES})>|\[THINK\]", rf"</(?:{_NAMES})>|\[/THINK\]"
_WHOLE = re.compile(rf"(?:{_START}).*?(?:{_END})", re.DOTALL)
_BEGUN_BEFORE = re.compile(rf".*(?:{_END})", re.DOTALL)  # some templates open the thought in the prompt
_NEVER_ENDED = re.compile(rf"(?:{_START}).*", re.DOTALL)


def find_thought_ids(tokens: Mapping[str, int]) -> dict[int, bool]:
    """Of a tokenizer's added tokens those that are marks of a thought: True for one that begins it."""
    marks = {number: re.fullmatch(f"({_START})|{_END}", token) for token, number in tokens.items()}
    return {number: found[1] is not None for number, found in marks.items() if found is not None}


def cut_thoughts(text: str) -> str:
    """The reply without its thoughts. A text without any stays as it is, byte for byte."""
    reply = _WHOLE.sub("", text)
    for rest in (_BEGUN_BEFORE, _NEVER_ENDED):
        reply = rest.sub("", reply)
    return text if reply == text else reply.strip()
