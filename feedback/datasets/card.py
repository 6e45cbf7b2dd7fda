"""The data card of a dataset, `README.md` beside its files, in the form that data hubs read: front matter,
then what it holds, where that is from and under which licence, how it was selected, what was left out.

Plain text from the manifest and the sources' rows; a licence that nobody told is `unknown`. It lists tags,
which are the app's words: it goes with an erasure.
"""

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from huggingface_hub import DatasetCardData

from feedback.datasets.layout import ALL_FORMATS, CARD, SPLITS, dataset_file
from feedback.datasets.manifest import TAGS
from feedback.records.rejections import explain
from feedback.records.text import escape
from feedback.store.tables import Source
from serving.files import write_atomically

UNKNOWN = "unknown"
HUB_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")
LANGUAGE = re.compile(r"[a-z]{2,3}(?=\Z|-)")
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
TEXT = {"dtype": "string"}
MESSAGES = {"list": [{"name": "role", **TEXT}, {"name": "content", **TEXT}]}
# Told, so that a reader does not take the type of the tags from lines that have none.
PAIR_FEATURES: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("id", "group", "kind", "source", "language", "annotator", "split"), TEXT),
    **dict.fromkeys(("prompt", "chosen", "rejected"), MESSAGES),
    "tags": {"sequence": "string"},
    "weight": {"dtype": "float64"},
}


def write_data_card(directory: Path, manifest: Mapping[str, Any], sources: Sequence[Source]) -> None:
    write_atomically(directory / CARD, render_data_card(directory, manifest, sources).encode())


def render_data_card(directory: Path, manifest: Mapping[str, Any], sources: Sequence[Source]) -> str:
    """The card of a dataset whose files are complete."""
    known = {source.name: source for source in sources}
    counts = manifest["counts"]
    parts = [
        f"---\n{write_hub_matter(directory, manifest, known)}\n---\n",
        f"# Dataset {manifest['id'][:12]}\n",
        "What people preferred among the replies to customers, and wrote themselves: choices, the pairs that "
        "follow from them, thumbs, and texts where there are any, collected by Rejoinder. Personal data was "
        "replaced by surrogates; names and addresses that no rule knows may be left.\n",
        f"* Form {manifest['form']}, built {manifest['created_at'][:10]}, sha256 `{manifest['id']}`",
        f"* {counts['conversations']} conversations, {counts['agents']} people who judged",
        "* Splits are a hash of the conversation and never move: 80 / 10 / 10, told in each line as `split`",
        f"* Selected by: {say_selection(manifest['selection'])}\n",
        *lay_table("Content", "lines of", {name: counts[name] for name in list_kinds(counts)}),
        *write_sources(counts["sources"], known),
        *lay_table("Languages", "language", counts.get("languages", {})),
        *lay_table("Made records", "operation", counts.get("made", {})),
        *lay_table("Tags", "tag", manifest.get(TAGS, {})),
        *write_refusals(manifest["refusals"]),
    ]
    return "\n".join(parts)


def write_hub_matter(directory: Path, manifest: Mapping[str, Any], known: Mapping[str, Source]) -> str:
    """The YAML of the front matter, without the dashes around it."""
    counts = manifest["counts"]
    total = sum(counts[name]["all"] for name in list_kinds(counts))
    found = (LANGUAGE.match(name.lower()) for name in counts.get("languages", ()))
    data = DatasetCardData(
        language=sorted({each[0] for each in found if each}) or None,
        license=list_licences(counts["sources"] | counts.get("labelled_sources", {}), known),
        pretty_name=f"Rejoinder {manifest['id'][:12]}",
        size_categories=next((size for limit, size in SIZES if total < limit), "n>1M"),
        task_categories=["text-generation"],
        tags=["rejoinder", "preference", "dpo"],
        **describe_files(directory, counts),
    )
    return str(data.to_yaml()).strip()


def list_kinds(counts: Mapping[str, Any]) -> list[str]:
    """The kinds of lines that a dataset has a file of."""
    return [name for name in ALL_FORMATS if name in counts]


def list_licences(sources: Mapping[str, Any], known: Mapping[str, Source]) -> list[str]:
    """The licences of the sources: `other` for one that hubs have no name for."""
    found = set()
    for name in sources:
        licence = (known[name].licence if name in known else None) or UNKNOWN
        found.add(licence.lower() if HUB_LICENCE.match(licence.lower()) else "other")
    return sorted(found)


def describe_files(directory: Path, counts: Mapping[str, Any]) -> dict[str, Any]:
    """Tells a hub's reader which files there are. All splits of a form are in one file."""
    names = [name for name in reversed(list_kinds(counts)) if counts[name]["all"]]
    configs = [
        {"config_name": name, "data_files": [{"split": "lines", "path": dataset_file(directory, name).name}]}
        for name in names
    ]
    told: dict[str, Any] = {"configs": configs}
    if "pairs" in names and has_plain_pairs(directory):
        # Copies, because YAML would write what several share once, and the reader changes it.
        features = [{"name": name, **deepcopy(form)} for name, form in PAIR_FEATURES.items()]
        told["dataset_info"] = [{"config_name": "pairs", "features": features}]
    return told


def has_plain_pairs(directory: Path) -> bool:
    """Whether pairs have the usual fields alone: arguments of a chat template have types of their own."""
    with dataset_file(directory, "pairs").open(encoding="utf-8") as lines:
        return set(json.loads(next(lines))) == set(PAIR_FEATURES)


def write_sources(counts: Mapping[str, Mapping[str, int]], known: Mapping[str, Source]) -> list[str]:
    rows = []
    for name, count in counts.items():
        source = known.get(name)
        told = (source.kind, source.owner, source.licence) if source else (None, None, None)
        cells = (escape(each or UNKNOWN) for each in (name, *told))
        rows.append(f"| {' | '.join(cells)} | {count['all']} |")
    head = [
        "## Sources\n",
        "| source | kind | owner | licence | records |",
        "| --- | --- | --- | --- | ---: |",
    ]
    return [*head, *rows, ""]


def write_refusals(refusals: Mapping[str, int]) -> list[str]:
    if not refusals:
        return []
    head = ["## Left out\n", "| why | records |", "| --- | ---: |"]
    return [*head, *(f"| {escape(explain(code))} | {count} |" for code, count in refusals.items()), ""]


def lay_table(title: str, what: str, counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A table of counts in each split, the largest first."""
    if not counts:
        return []
    ranked = sorted(counts.items(), key=lambda item: (-item[1]["all"], item[0]))
    rows = [
        f"| {escape(name) or '–'} | " + " | ".join(str(count[split]) for split in (*SPLITS, "all")) + " |"
        for name, count in ranked
    ]
    head = f"| {what} | " + " | ".join((*SPLITS, "all")) + " |"
    return [f"## {title}\n", head, "| --- | ---: | ---: | ---: | ---: |", *rows, ""]


def say_selection(selection: Mapping[str, Any]) -> str:
    wishes = [f"{name} {escape(show_wish(wish))}" for name, wish in selection.items() if wish]
    return "; ".join(wishes) or "everything"


def show_wish(wish: Any) -> str:
    return ", ".join(map(str, wish)) if isinstance(wish, list) else str(wish)
