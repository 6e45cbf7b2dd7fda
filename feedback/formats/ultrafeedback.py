"""UltraFeedback: an instruction with the answers of several models, each with its score. The best is picked;
of equal best ones, all. Its form in pairs is TRL's.
"""

from collections.abc import Iterator

from feedback.formats.chat import make_labelled
from feedback.formats.fields import FieldFault, find_objects, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body

SCORES = ("overall_score", "fine-grained_score")


def recognise_ultrafeedback(body: Body) -> bool:
    return has_fields(body, "instruction completions") and isinstance(body["completions"], list)


def read_ultrafeedback(body: Body) -> Iterator[Converted]:
    answers = find_objects(body, "completions")
    scores = [read_score(answer) for answer in answers]
    made = {
        "prompt": [{"role": "user", "content": take_field(body, "instruction", str)}],
        "candidates": [{"text": take_field(answer, "response", str)} for answer in answers],
        "picked": [index for index, score in enumerate(scores) if score == max(scores)],
    }
    yield make_labelled("choices", made)


def read_score(answer: Body) -> float:
    score = next((answer[name] for name in SCORES if answer.get(name) is not None), None)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise FieldFault("unclear_label", f"score {str(score)[:40]!r}")
    return float(score)


ULTRAFEEDBACK = Format("UltraFeedback", recognise_ultrafeedback, read_ultrafeedback, "ultrafeedback")
