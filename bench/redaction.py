"""What redaction finds, what it wrongly removes, and what it costs.

    python -m bench.redaction [--part set_aside|tuning] [--choices choices_star.jsonl.gz]

Recall is measured on sentences of tests/feedback/records/: half of them were set aside before any rule was
written (`set_aside`, the default). A value is found if every letter and digit of it is covered. With
`--choices` the choices of that file are redacted in the order of a dataset build, and the CPU time is shown.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.report import FigureValues, make_parser, print_report
from feedback.formats.containers import FilePart
from feedback.formats.entries import find_form, read_entries
from feedback.records.personal import find_personal
from feedback.records.redact import Redactor, redact_record
from feedback.records.schemas import ChoiceForm

SAMPLES = Path(__file__).parents[1] / "tests" / "feedback" / "records"
NOTES = {
    "recall": "share of the personal values that are covered whole",
    "false_hits": "share of clean sentences in which something was found",
    "orders_kept": "share of sentences with order numbers left as they are",
    "cpu_s": "to redact the choices of the file, once each",
    "changed": "choices in which something was replaced",
}


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--part", choices=("set_aside", "tuning"), default="set_aside")
    parser.add_argument("--choices", type=Path, help="a file of choices whose redaction is timed")
    asked = parser.parse_args()
    figures = measure_recall(asked.part) | {
        "false_hits": share_found("personal_data_clean.jsonl"),
        "orders_kept": 1 - share_found("order_numbers.jsonl"),
    }
    if asked.choices:
        figures |= time_choices(asked.choices)
    print_report("redaction", figures, notes=NOTES)


def read_samples(name: str) -> Iterator[dict[str, Any]]:
    with (SAMPLES / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def measure_recall(part: str) -> FigureValues:
    """Recall over all values and for each kind of value."""
    there: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for sample in read_samples(f"personal_data_{part}.jsonl"):
        there[sample["kind"]] += 1
        found[sample["kind"]] += is_covered(sample)
    by_kind = {f"recall_{kind}": found[kind] / count for kind, count in there.items()}
    return {"recall": found.total() / there.total(), "samples": there.total(), **by_kind}


def is_covered(sample: dict[str, Any]) -> bool:
    text = sample["text"]
    covered = {
        place
        for found in find_personal(text, sample.get("known", ()))
        for place in range(found.start, found.end)
    }
    return all(place in covered for place in range(sample["start"], sample["end"]) if text[place].isalnum())


def share_found(name: str) -> float:
    samples = list(read_samples(name))
    return sum(bool(find_personal(sample["text"])) for sample in samples) / len(samples)


def time_choices(path: Path) -> FigureValues:
    part = FilePart(path)
    entries = read_entries(part, find_form(part))
    lines = [entry.content for entry in entries if isinstance(entry.content, dict)]
    forms = sorted((ChoiceForm.model_validate(line) for line in lines), key=lambda form: form.id or "")
    redactor, changed = Redactor(b"k" * 32), 0
    begun = time.process_time()
    for form in forms:
        clean = redact_record(form.to_record(), (form.id or "").rpartition("-")[0], redactor)
        changed += clean != form.to_record()
    return {"choices": len(forms), "cpu_s": time.process_time() - begun, "changed": changed}


if __name__ == "__main__":
    main()
