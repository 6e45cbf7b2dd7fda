"""Writes the files of a dataset from the collected records: sifts and weighs them, makes pairs of them,
and names the dataset by its content. Reads no store.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from feedback.augment.making import MADE, Augmenting
from feedback.canonical import canonical_hash
from feedback.datasets.atomic_dir import AtomicDir, JsonLines, read_jsonl
from feedback.datasets.collect import Collected
from feedback.datasets.difficulty import Difficulty
from feedback.datasets.duplicates_report import DuplicatesReport
from feedback.datasets.layout import ALL_FORMATS, SPLITS, TEXTS, dataset_file
from feedback.datasets.manifest import TAGS, write_dataset_manifest
from feedback.datasets.members import SplitCounts, write_members
from feedback.datasets.pair_lines import couple_pair, make_derived_pair
from feedback.datasets.selection import Selection
from feedback.datasets.sifting import Sifting
from feedback.records.from_judgement import LABEL
from feedback.records.pairs import ThumbMark, match_thumbs, pair_choice
from feedback.records.rejections import Refusal
from feedback.records.split import SALT
from feedback.records.weights import THUMB_WEIGHT, WeightInput, WeightRules, weigh_choices, weigh_grade

FORM_VERSION = 2

# Arguments: the step, the number of records done, and the total, which includes records that will be refused.
OnRecord = Callable[[str, int, int], None]


class Building:
    """The files of a dataset while they are written, and the counts that go into its manifest."""

    def __init__(
        self,
        place: AtomicDir,
        rules: WeightRules,
        expected: int,
        on_record: OnRecord,
        grades: Mapping[str, str | None],
        labelled: Collection[str] = (),
        shown: Mapping[str, str] | None = None,
        augmenting: Augmenting | None = None,
    ) -> None:
        self.place = place
        self.grades = grades  # by source
        self.labelled = labelled  # conversations of which labels say something
        self.shown = shown or {}  # by item, the source of the record that it shows
        self.augmenting = augmenting or Augmenting()
        self.rules = rules
        self.on_record = on_record
        self.expected = expected
        self.refusals: Counter[str] = Counter()
        self.files = {name: place.create(dataset_file(place.path, name).name) for name in ALL_FORMATS}
        self.lines: dict[str, Counter[str]] = {name: Counter() for name in ALL_FORMATS}
        self.kinds: Counter[str] = Counter()
        self.labelled_sources: dict[str, Counter[str]] = defaultdict(Counter)  # records by split
        self.made: Counter[str] = Counter()  # children by operation
        self.agents: set[str] = set()
        self.conversations: set[bytes] = set()
        self.template_keys: set[str] = set()

    def write(self, collected: Mapping[str, Iterator[Collected]]) -> DuplicatesReport:
        """Writes all records that stay, and returns what was found out about duplicates."""
        with closing(Sifting(self.place, self.grades, self.labelled, self.augmenting)) as sifted:
            self.sift(collected, sifted)
            self.write_choices(sifted)
            self.write_plain(sifted, "pairs")
            self.write_thumbs(sifted)
            self.write_plain(sifted, TEXTS)
        self.refusals += sifted.count_refused()
        return sifted.report()

    @property
    def total(self) -> int:
        return sum(counter.total() for counter in self.lines.values())

    def sift(self, collected: Mapping[str, Iterator[Collected]], sifted: Sifting) -> None:
        """Reads all records, and finds out which of them stay."""
        reading = chain.from_iterable(map(sifted.put, collected.keys(), collected.values()))
        for done, _ in enumerate(reading, 1):
            self.on_record("reading", done, max(done, self.expected))
        sifted.sift()

    def write_choices(self, sifted: Sifting) -> None:
        for record in self._weigh(sifted, "choices"):
            self._write("choices", record)
            self.kinds[record["kind"]] += 1
            for pair in pair_choice(record):
                if isinstance(pair, Refusal):
                    self.refusals[pair.reason] += 1
                else:
                    self._write("pairs", make_derived_pair(record, *pair))

    def write_plain(self, sifted: Sifting, name: str) -> None:
        """Writes records from which nothing else follows: pairs that were put in as pairs, and texts."""
        for record in self._weigh(sifted, name):
            self._write(name, record)

    def write_thumbs(self, sifted: Sifting) -> None:
        """Writes the thumbs. An up and a down on one prompt become a pair, and no thumbs."""
        part = self.place.create("thumbs.part")
        seen: dict[bool, set[str]] = {True: set(), False: set()}
        for record, weight_input, prompt_hash in sifted.iterate("thumbs"):
            self._note(record, weight_input)
            part.add(record | {"prompt_hash": prompt_hash})
            seen[record["label"]].add(prompt_hash)
        part.close()
        coupled = self._couple(part.path, seen[True] & seen[False])
        ups: dict[int, dict[str, Any]] = {}
        downs: dict[int, dict[str, Any]] = {}
        for position, record in enumerate(read_jsonl(part.path)):
            del record["prompt_hash"]
            graded = weigh_grade(self.grades.get(record["source"]), self.rules)
            record["weight"] = THUMB_WEIGHT * record.get("weight", 1.0) * graded
            if position not in coupled:
                self._write("thumbs", record)
            else:
                (ups if record["label"] else downs)[position] = record
        for up, down in sorted((up, coupled[up]) for up in ups):
            self._write("pairs", couple_pair(ups[up], downs[down]))
        part.path.unlink()

    def _couple(self, path: Path, prompts: set[str]) -> dict[int, int]:
        """Maps the position of each thumb that goes into a pair to that of the other one."""

        def marks() -> Iterator[ThumbMark]:
            for position, record in enumerate(read_jsonl(path)):
                if record["prompt_hash"] in prompts:
                    yield ThumbMark(
                        position=position,
                        prompt_hash=record["prompt_hash"],
                        conversation=record["group"],
                        split=record["split"],
                        text=record["completion"][-1]["content"],
                        up=record["label"],
                    )

        coupled: dict[int, int] = {}
        for couple in match_thumbs(marks()):
            if isinstance(couple, Refusal):
                self.refusals[couple.reason] += 1
            else:
                up, down = couple
                coupled[up.position] = down.position
                coupled[down.position] = up.position
        return coupled

    def _weigh(self, sifted: Sifting, name: str) -> Iterator[dict[str, Any]]:
        """Yields the records that stay with their weights."""
        inputs, prompts = sifted.list_inputs(name)
        weights = weigh_choices(inputs, self.rules, prompts)
        for done, (item, weight) in enumerate(zip(sifted.iterate(name), weights, strict=True), 1):
            record, weight_input, _ = item
            self._note(record, weight_input)
            yield record | {"weight": weight}
            self.on_record(f"writing {name}", done, len(inputs))

    def _note(self, record: dict[str, Any], weight_input: WeightInput) -> None:
        """Counts a record that stays."""
        if MADE in record:
            self.made[record[MADE]["operation"]] += 1
        self.template_keys.update(record.get("chat_template_kwargs", ()))
        self.conversations.add(bytes.fromhex(canonical_hash(weight_input.conversation)[:24]))
        if weight_input.agent is not None:
            self.agents.add(weight_input.agent)
        if record["source"] == LABEL and record["id"] in self.shown:
            self.labelled_sources[self.shown[record["id"]]][record["split"]] += 1

    def _write(self, name: str, record: dict[str, Any]) -> None:
        self.files[name].add(record)
        self.lines[name][record["split"]] += 1

    def count_made(self) -> dict[str, dict[str, int]]:
        """The children by operation and split: all are in train."""
        return list_all_splits({name: {"train": self.made[name]} for name in self.augmenting.operations})

    def finish(self, selection: Selection, now: datetime, difficulty: Difficulty | None) -> dict[str, Any]:
        """Closes the files, names the dataset by its content and writes the manifest."""
        if self.template_keys:
            for name in ("pairs", "thumbs"):
                fill_template_kwargs(self.files[name], self.template_keys)
        if not self.lines[TEXTS]:  # no file, so that the id is what it was before there were any texts
            empty = self.files.pop(TEXTS)
            empty.abandon()
            empty.path.unlink()
        hashes = {name: file.close() for name, file in self.files.items()}
        splits = write_members(self.place.path).splits
        manifest = {
            "id": canonical_hash({"form": FORM_VERSION, "files": hashes}),
            "form": FORM_VERSION,
            "files": {name: f"sha256:{digest}" for name, digest in hashes.items()},
            "counts": {
                **{name: list_splits(self.lines[name]) for name in self.files},
                "kinds": dict(sorted(self.kinds.items())),
                "sources": list_all_splits(splits["source"]),
                "labelled_sources": list_all_splits(self.labelled_sources),
                "languages": list_all_splits(splits["language"]),
                "agents": len(self.agents),
                "conversations": len(self.conversations),
                **({"made": self.count_made()} if self.augmenting.operations else {}),
            },
            TAGS: list_all_splits(splits["tag"]),
            "refusals": dict(sorted(self.refusals.items())),
            "selection": selection.to_json(),
            "weights": asdict(self.rules),
            "grades": {name: grade for name in sorted(splits["source"]) if (grade := self.grades.get(name))},
            "split": {"salt": SALT, "shares": "80/10/10"},
            "created_at": now.isoformat(),
        }
        manifest |= {"difficulty": difficulty.to_json()} if difficulty else {}
        manifest |= {"seed": self.augmenting.seed} if self.augmenting.operations else {}
        write_dataset_manifest(self.place.path, manifest)
        return manifest


def list_splits(counts: Mapping[str, int]) -> dict[str, int]:
    return {split: counts.get(split, 0) for split in SPLITS} | {"all": sum(counts.values())}


def list_all_splits(found: SplitCounts) -> dict[str, dict[str, int]]:
    return {name: list_splits(found[name]) for name in sorted(found)}


def fill_template_kwargs(file: JsonLines, keys: set[str]) -> None:
    """Gives every line the same chat template arguments as soon as one line has any, since TRL would read a
    missing column as null and fail. A null value means that the template gets no such argument.
    """
    unset = dict.fromkeys(sorted(keys))
    file.rewrite(
        lambda record: record | {"chat_template_kwargs": unset | record.get("chat_template_kwargs", {})}
    )
