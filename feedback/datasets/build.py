"""Builds one immutable dataset from everything that people said: choices, pairs and thumbs with splits and
weights.

    build_dataset -> collect (settled, without personal data) -> weigh -> pairs -> match thumbs -> hash ->
    rename -> row

Records are streamed: memory holds a few words for each record, never the texts (except of thumbs whose prompt
has both an up and a down). The id is the hash of the content, so equal content gives one dataset, written
once. Trains nothing and opens no model. Read a dataset with `read_split(dir, "pairs", "train")`.
"""

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.canonical import canonical_hash
from feedback.clock import Clock
from feedback.datasets.atomic_dir import JsonLines, Workplace, open_workplace, read_jsonl
from feedback.datasets.collect import Collected, Selection, collect_choices, collect_pairs, collect_thumbs
from feedback.datasets.errors import DatasetMissing, NothingSelected
from feedback.datasets.layout import FORMATS, SPLITS, dataset_dir, dataset_file, datasets_dir
from feedback.datasets.members import write_members
from feedback.datasets.pair_lines import couple_pair, make_derived_pair
from feedback.records.pairs import ThumbMark, match_thumbs, pair_choice
from feedback.records.redact import open_redactor
from feedback.records.rejections import Refusal, RejectionCounts
from feedback.records.schemas import ChoiceForm
from feedback.records.split import SALT, split_of
from feedback.records.weights import THUMB_WEIGHT, WeightInput, WeightRules, weigh_choices
from feedback.store.datasets import add_dataset
from feedback.store.derived_records import renew_all
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import count_erasures
from feedback.store.records import count_records
from feedback.store.tables import DEFAULT_DESK
from serving.files import write_atomically

__all__ = ["DatasetInfo", "Selection", "build_dataset", "read_dataset_manifest", "read_split"]

MANIFEST = "manifest.json"
FORM_VERSION = 1

# Arguments: the step, the number of records done, and the total, which includes records that will be refused.
OnRecord = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset on disk. `counts` has the number of lines by format and split, and the numbers of kinds,
    agents and conversations.
    """

    id: str
    path: Path
    counts: dict[str, Any]
    refusals: dict[str, int]
    is_new: bool


def build_dataset(
    store_engine: Engine,
    *,
    data_dir: Path,
    clock: Clock,
    desk_id: str = DEFAULT_DESK,
    selection: Selection | None = None,
    rules: WeightRules | None = None,
    on_record: OnRecord = lambda step, done, total: None,
) -> DatasetInfo:
    """Builds the dataset of a selection. Raises NothingSelected when no choice, pair or thumb is left. It may
    be repeated or killed at any time; if a customer was erased while it read, it builds once more.
    """
    renew_all(store_engine)  # nothing, unless the rules changed
    selection, rules, now = selection or Selection(), rules or WeightRules(), clock.now()
    with read(store_engine) as session:
        erased = count_erasures(session, desk_id=desk_id)
        expected = count_records(session, desk_id=desk_id, sources=selection.sources, until=now)
    with open_workplace(datasets_dir(data_dir)) as place:
        building = Building(place, rules, expected, on_record)
        redactor = open_redactor(data_dir)
        source = (store_engine, desk_id, selection, now, redactor, building.refusals)
        building.write_choices(collect_choices(*source))
        building.write_pairs(collect_pairs(*source))
        building.write_thumbs(collect_thumbs(*source))
        if not building.total:
            raise NothingSelected(selection.to_json(), building.refusals.to_json())
        manifest = building.finish(selection, now)
        write_members(place.path)
        target = dataset_dir(data_dir, manifest["id"])
        is_new = place.move_to(target)
    told = {name: manifest[name] for name in ("selection", "counts", "refusals")}
    with unit_of_work(store_engine) as session:
        is_whole = count_erasures(session, desk_id=desk_id) == erased
        if is_whole:
            add_dataset(session, dataset_id=manifest["id"], desk_id=desk_id, now=now, **told)
    if not is_whole:
        if is_new:
            shutil.rmtree(target)
        return build_dataset(
            store_engine,
            data_dir=data_dir,
            clock=clock,
            desk_id=desk_id,
            selection=selection,
            rules=rules,
            on_record=on_record,
        )
    return DatasetInfo(manifest["id"], target, manifest["counts"], manifest["refusals"], is_new)


class Building:
    """The three files of a dataset while they are written, and the counts that go into its manifest."""

    def __init__(self, place: Workplace, rules: WeightRules, expected: int, on_record: OnRecord) -> None:
        self.place = place
        self.rules = rules
        self.on_record = on_record
        self.expected, self.read = expected, 0
        self.refusals = RejectionCounts()
        self.files = {name: place.create(dataset_file(place.path, name).name) for name in FORMATS}
        self.lines: dict[str, Counter[str]] = {name: Counter() for name in FORMATS}
        self.kinds: Counter[str] = Counter()
        self.sources: dict[str, Counter[str]] = defaultdict(Counter)  # records by source and split
        self.agents: set[str] = set()
        self.conversations: set[bytes] = set()
        self.template_keys: set[str] = set()

    @property
    def total(self) -> int:
        return sum(counter.total() for counter in self.lines.values())

    def write_choices(self, collected: Iterator[Collected]) -> None:
        """Writes the choices in two passes, because a weight depends on all choices: the first pass collects,
        the second adds the weights.
        """
        for record, weight in self._weigh(collected, "choices"):
            split = split_of(record["conversation"])
            record |= {"weight": weight, "split": split}
            self._write("choices", record)
            self.kinds[record["kind"]] += 1
            for pair in pair_choice(ChoiceForm.model_validate(record)):
                if isinstance(pair, Refusal):
                    self.refusals.add(pair)
                else:
                    suffix, chosen, rejected = pair
                    self._write("pairs", make_derived_pair(record, suffix, chosen, rejected))

    def write_pairs(self, collected: Iterator[Collected]) -> None:
        """Writes the pairs that were imported as pairs."""
        for record, weight in self._weigh(collected, "pairs"):
            self._write("pairs", record | {"weight": weight, "split": split_of(record["group"])})

    def write_thumbs(self, collected: Iterator[Collected]) -> None:
        """Writes the thumbs. An up and a down on one prompt become a pair, and a thumb in a pair is not
        written as a thumb.
        """
        part = self.place.create("thumbs.part")
        seen: dict[bool, set[str]] = {True: set(), False: set()}
        for item in collected:
            part.add(item.record | {"prompt_hash": item.prompt_hash})
            self._note(item)
            seen[item.record["label"]].add(item.prompt_hash)
        part.close()
        coupled = self._couple(part.path, seen[True] & seen[False])
        ups: dict[int, dict[str, Any]] = {}
        downs: dict[int, dict[str, Any]] = {}
        for position, record in enumerate(read_jsonl(part.path)):
            del record["prompt_hash"]
            record |= {"weight": THUMB_WEIGHT * record.get("weight", 1.0), "split": split_of(record["group"])}
            if position not in coupled:
                self._write("thumbs", record)
            else:
                (ups if record["label"] else downs)[position] = record
        for up, down in sorted((up, coupled[up]) for up in ups):
            self._write("pairs", couple_pair(ups[up], downs[down]))
        part.path.unlink()

    def _couple(self, path: Path, prompts: set[str]) -> dict[int, int]:
        """Maps the position of each thumb that goes into a pair to the position of the other thumb in the
        pair.
        """

        def marks() -> Iterator[ThumbMark]:
            for position, record in enumerate(read_jsonl(path)):
                if record["prompt_hash"] in prompts:
                    yield ThumbMark(
                        position=position,
                        prompt_hash=record["prompt_hash"],
                        conversation=record["group"],
                        split=split_of(record["group"]),
                        text=record["completion"][-1]["content"],
                        up=record["label"],
                    )

        coupled: dict[int, int] = {}
        for couple in match_thumbs(marks()):
            if isinstance(couple, Refusal):
                self.refusals.add(couple)
            else:
                up, down = couple
                coupled[up.position] = down.position
                coupled[down.position] = up.position
        return coupled

    def _weigh(self, collected: Iterator[Collected], name: str) -> Iterator[tuple[dict[str, Any], float]]:
        part = self.place.create(f"{name}.part")
        inputs: list[WeightInput] = []
        for item in collected:
            part.add(item.record)
            inputs.append(item.weight_input)
            self._note(item)
        part.close()
        weighed = zip(read_jsonl(part.path), weigh_choices(inputs, self.rules), strict=True)
        for done, (record, weight) in enumerate(weighed, 1):
            yield record, weight
            self.on_record(f"writing {name}", done, len(inputs))
        part.path.unlink()

    def _note(self, item: Collected) -> None:
        self.read += 1
        self.on_record("reading", self.read, max(self.read, self.expected))
        self.template_keys.update(item.record.get("chat_template_kwargs", ()))
        self.sources[item.record["source"]][split_of(item.weight_input.conversation)] += 1
        self.conversations.add(bytes.fromhex(canonical_hash(item.weight_input.conversation)[:24]))
        if item.weight_input.agent is not None:
            self.agents.add(item.weight_input.agent)

    def _write(self, name: str, record: dict[str, Any]) -> None:
        self.files[name].add(record)
        self.lines[name][record["split"]] += 1

    def finish(self, selection: Selection, now: datetime) -> dict[str, Any]:
        """Closes the files, names the dataset by its content and writes the manifest."""
        if self.template_keys:
            for name in ("pairs", "thumbs"):
                fill_template_kwargs(self.files[name], self.template_keys)
        hashes = {name: file.close() for name, file in self.files.items()}
        manifest = {
            "id": canonical_hash({"form": FORM_VERSION, "files": hashes}),
            "form": FORM_VERSION,
            "files": {name: f"sha256:{digest}" for name, digest in hashes.items()},
            "counts": {
                **{
                    name: {s: counter[s] for s in SPLITS} | {"all": counter.total()}
                    for name, counter in self.lines.items()
                },
                "kinds": dict(sorted(self.kinds.items())),
                "sources": {
                    source: {s: counter[s] for s in SPLITS} | {"all": counter.total()}
                    for source, counter in sorted(self.sources.items())
                },
                "agents": len(self.agents),
                "conversations": len(self.conversations),
            },
            "refusals": self.refusals.to_json(),
            "selection": selection.to_json(),
            "weights": self.rules.to_json(),
            "split": {"salt": SALT, "shares": "80/10/10"},
            "created_at": now.isoformat(),
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
        write_atomically(self.place.path / MANIFEST, text.encode())
        return manifest


def fill_template_kwargs(file: JsonLines, keys: set[str]) -> None:
    """Gives every line the same chat template arguments as soon as one line has any, since TRL would read a
    missing column as null and fail. A null value means that the template gets no such argument.
    """
    unset = dict.fromkeys(sorted(keys))
    file.rewrite(
        lambda record: record | {"chat_template_kwargs": unset | record.get("chat_template_kwargs", {})}
    )


def read_split(path: Path, kind: str, split: str) -> Iterator[dict[str, Any]]:
    """Reads the records of one split of a dataset directory; `kind` is choices, pairs or thumbs. Raises
    DatasetMissing.
    """
    file = dataset_file(path, kind)
    if not file.is_file():
        raise DatasetMissing(path)
    return (record for record in read_jsonl(file) if record["split"] == split)


def read_dataset_manifest(path: Path) -> dict[str, Any]:
    """Reads the manifest of a dataset directory. Raises DatasetMissing."""
    file = path / MANIFEST
    if not file.is_file():
        raise DatasetMissing(path)
    manifest: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return manifest
