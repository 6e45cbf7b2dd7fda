"""A cache of what the base says about each reply: one log-probability, computed once and kept from night to
night.

    load_reference(examples, compute, ...) -> look up -> recompute 8 of those found -> compute what is
    missing, storing batch by batch -> the log-probability of every reply, and a report for the metrics

The file is `<data_dir>/reference.db`, SQLite. The key of a number is the sha256 of the base's id (weights,
tokenizer, template), the compute dtype, the prompt ids and the reply ids: if one of these changes, nothing is
found under the new key. Losing the file costs only time. So a broken file is begun anew, and if the file
cannot be written, the numbers of this run stay in memory; the log and the report say so. The file takes about
0.2 MB per 1,000 choices of four replies. No model is known here: the caller passes the function that
computes.
"""

import hashlib
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from feedback.datasets.difficulty import name_key
from trainer.data.example import Example
from trainer.objectives.choice.reference_store import FILE, ReferenceStore, peek_values
from trainer.packing.tolerance import find_tolerance
from trainer.progress import Counter

log = logging.getLogger(__name__)

Compute = Callable[[Sequence[Example]], Sequence[Sequence[float]]]

CHECKED = 8
BATCH = 64  # examples between two commits: a killed run loses no more


@dataclass(frozen=True)
class ReferenceReport:
    """Counts for the run's metrics: replies `wanted`, those found `stored`, those `computed`.

    `checked`: stored values that were recomputed; `differed`: their largest difference in nats; `dropped`:
    values removed because of it. `problem`: what is wrong with the file, if anything.
    """

    wanted: int
    stored: int
    computed: int
    checked: int
    differed: float
    dropped: int
    problem: str | None


@dataclass(frozen=True)
class Reference:
    """`values`: for each example, in its order, the summed log-probability of each reply under the base."""

    values: list[tuple[float, ...]]
    report: ReferenceReport


def load_reference(
    examples: Sequence[Example],
    compute: Compute,
    *,
    data_dir: Path,
    base_id: str,
    dtype: str,
    seed: int,
    on_progress: Counter | None = None,
) -> Reference:
    """The log-probability of every reply under the base: stored values where there are any, else computed
    ones.

    `compute` returns the summed log-probabilities of all replies of each example. If it reads one example per
    row, the numbers do not depend on which others were missing. `on_progress` is called after each batch with
    the examples read so far and in all.
    """
    keys = [make_keys(example, base_id, dtype) for example in examples]
    wanted = {key for row in keys for key in row}
    with closing(ReferenceStore(data_dir / FILE)) as store:
        known = store.find(sorted(wanted))
        checked, differed, is_sound = check_stored(examples, keys, known, compute, dtype, seed)
        dropped = 0
        if not is_sound:
            dropped, known = store.drop(), {}
            message = "stored reference: values recomputed differ by up to %.3g nats; all %d dropped"
            log.warning(message, differed, dropped)
        found = len(known)
        missing = list(find_missing(examples, keys, known))
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            sums = compute([example for example, _ in batch])
            fresh = {
                key: float(value)
                for (_, row), values in zip(batch, sums, strict=True)
                for key, value in zip(row, values, strict=True)
                if key not in known
            }
            store.add(fresh)
            known |= fresh
            if on_progress is not None:
                on_progress(start + len(batch), len(missing))
        report = ReferenceReport(
            wanted=len(wanted),
            stored=found,
            computed=len(known) - found,
            checked=checked,
            differed=differed,
            dropped=dropped,
            problem=store.problem,
        )
        values = [tuple(known[key] for key in row) for row in keys]
        store.note_difficulty(base_id, measure_difficulty(examples, values))
    log.info("reference: %s", asdict(report))
    return Reference(values, report)


def measure_difficulty(examples: Sequence[Example], values: Sequence[Sequence[float]]) -> dict[bytes, float]:
    """Nats per token of each example's preferred reply under the base, by the key of its record."""
    found = {}
    for example, row in zip(examples, values, strict=True):
        preferred = 0 if example.thumb else example.preferred
        if preferred is not None:
            found[name_key(example.id)] = -row[preferred] / len(example.replies[preferred])
    return found


def list_missing(examples: Sequence[Example], *, data_dir: Path, base_id: str, dtype: str) -> list[Example]:
    """The examples with a reply that is not in the file, which is neither made nor changed."""
    keys = [make_keys(example, base_id, dtype) for example in examples]
    known = peek_values(data_dir / FILE, sorted({key for row in keys for key in row}))
    return [example for example, _ in find_missing(examples, keys, known)]


def make_keys(example: Example, base_id: str, dtype: str) -> list[bytes]:
    """One key per reply: a sha256 over base, dtype, prompt and reply, with the lengths of the first three."""
    head = hashlib.sha256()
    for word in (base_id.encode(), dtype.encode(), as_bytes(example.prompt_ids)):
        head.update(len(word).to_bytes(8, "little") + word)
    keys = []
    for reply in example.replies:
        whole = head.copy()
        whole.update(as_bytes(reply))
        keys.append(whole.digest())
    return keys


def as_bytes(ids: Sequence[int]) -> bytes:
    return np.asarray(ids, dtype="<i8").tobytes()


def check_stored(
    examples: Sequence[Example],
    keys: Sequence[Sequence[bytes]],
    known: Mapping[bytes, float],
    compute: Compute,
    dtype: str,
    seed: int,
) -> tuple[int, float, bool]:
    """Recomputes a few replies: how many, the largest gap in nats, whether rounding explains all gaps."""
    chosen = set(random.Random(seed).sample(sorted(known), min(CHECKED, len(known))))
    alone: list[tuple[Example, float]] = []
    for example, row in zip(examples, keys, strict=True):
        for reply, key in zip(example.replies, row, strict=True):
            if key in chosen:
                chosen.remove(key)  # the same reply to the same prompt may stand in several examples
                alone.append((strip(example, (reply,)), known[key]))
    if not alone:
        return 0, 0.0, True
    again = compute([example for example, _ in alone])
    gaps = [abs(float(sums[0]) - value) for sums, (_, value) in zip(again, alone, strict=True)]
    exact = dtype == "float32"
    limits = [find_tolerance(len(example.replies[0]), exact=exact) for example, _ in alone]
    return len(alone), max(gaps), all(gap <= limit for gap, limit in zip(gaps, limits, strict=True))


def find_missing(
    examples: Sequence[Example], keys: Sequence[list[bytes]], known: Mapping[bytes, float]
) -> Iterator[tuple[Example, list[bytes]]]:
    """The examples with any missing reply, reduced to prompt and replies, each with its keys."""
    for example, row in zip(examples, keys, strict=True):
        if any(key not in known for key in row):
            yield strip(example, example.replies), row


def strip(example: Example, replies: tuple[tuple[int, ...], ...]) -> Example:
    """The example reduced to what the base reads: its prompt and these replies."""
    return Example(example.id, example.conversation, example.prompt_ids, replies, weight=example.weight)
