"""Lines and files for the tests of import and export."""

import gzip
import json
from pathlib import Path

from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from tests.clock import FrozenClock
from tests.databases import START

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
CLOCK = FrozenClock(START)


def choice(number=1, **fields):
    body = {
        "id": f"talk{number}-1",
        "source": "test",
        "prompt": [{"role": "user", "content": f"Where is order {number}?"}],
        "candidates": [{"text": "It leaves today."}, {"text": "Please wait."}, {"text": "No idea at all."}],
        "picked": [0],
        "annotator": f"agent{number % 10}",
        "language": "en",
        "tags": ["shop"],
        "at": "2026-11-20T09:00:00+00:00",
    }
    return body | fields


def thumb(number=1, label=True, text="It leaves today.", **fields):
    body = {
        "id": f"thumb{number}-1",
        "source": "test",
        "prompt": [{"role": "user", "content": "Where is it?"}],
        "completion": [{"role": "assistant", "content": text}],
        "label": label,
    }
    return body | fields


def write(path, *lines):
    """Objects as JSON, texts and bytes as they are; gzip by ending."""
    packed = b"".join(
        (
            line
            if isinstance(line, bytes)
            else line.encode()
            if isinstance(line, str)
            else json.dumps(line).encode()
        )
        + b"\n"
        for line in lines
    )
    path.write_bytes(gzip.compress(packed) if path.suffix == ".gz" else packed)
    return path


def bring_in(engine, path, kind="choices", **options):
    return import_file(engine, path, asked=Asked(kind, **options), clock=CLOCK)
