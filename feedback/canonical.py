"""One text, and so one hash, for each value that JSON can hold."""

import hashlib
import json


def canonical_json(value: object, *, allow_nan: bool = False) -> str:
    """Sorted keys, no spaces, no escapes beyond JSON's own; `inf` and NaN only where they are allowed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=allow_nan)


def canonical_hash(value: object, *, allow_nan: bool = False) -> str:
    return hash_text(canonical_json(value, allow_nan=allow_nan))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def draw_share(text: str) -> float:
    """A number from 0 to 1 that only the text decides; over many texts they are evenly spread."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64
