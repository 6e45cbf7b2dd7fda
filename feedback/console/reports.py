"""Formats reports, counts and selections of runs and datasets as table rows. It does not depend on the
trainer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from feedback.console.labels import figure_words, words_of

MAX_DEPTH = 4
SOURCE = "source:"  # of records, before its name in a row
BY_NAME = ("sources", "languages")  # counts by name, of which the first are rows and the others a table apart
CHECKS = "checks"  # the gate's, which pages show as a table
TAGS = "tags"  # figures by tag, likewise


@dataclass(frozen=True)
class Scored:
    """The scores of one baseline or adapter in an evaluation."""

    name: str
    log_loss: float | None
    accuracy: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Twin:
    """One figure of the adapter beside that of the base model."""

    name: str
    adapter: str
    base: str


@dataclass(frozen=True)
class ReportView:
    n: int | None
    scored: list[Scored] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    tags: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_report(report: Mapping[str, Any] | None) -> ReportView | None:
    if not report:
        return None
    tags = report.get(TAGS) or {}
    report = {name: value for name, value in report.items() if name not in (CHECKS, TAGS)}
    scored: list[Scored] = []
    twins: list[Twin] = []
    facts: list[tuple[str, str]] = []
    count: int | None = None
    found = dict(_walk(report, (), scored))
    for path, value in found.items():
        if path[-1] == "n" and isinstance(value, int) and count is None:
            count = value
        elif (base := found.get(_twin_of(path))) is not None and value is not None:
            shown = [
                show_value(each) if path[-1] == "perplexity" else f"{100 * each:.1f} %"
                for each in (value, base)
            ]
            twins.append(Twin(figure_words(".".join(path)), shown[0], shown[1]))
        elif path[-1].endswith("_base") and path[-1] != "kl_to_base":
            continue  # stands beside its twin
        else:
            facts.append((" · ".join(path).replace("_", " "), show_value(value)))
    return ReportView(count, scored, twins, facts, tags)


def _twin_of(path: tuple[str, ...]) -> tuple[str, ...]:
    return (*path[:-1], f"{path[-1]}_base")


def _walk(
    part: Mapping[str, Any], path: tuple[str, ...], scored: list[Scored]
) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in part.items():
        here = (*path, str(name))
        if isinstance(value, Mapping) and "log_loss" in value:
            scored.append(_score(" ".join(here), value))
        elif isinstance(value, Mapping) and value and len(here) < MAX_DEPTH:
            found.extend(_walk(value, here, scored))
        else:
            found.append((here, value))
    return found


def _score(name: str, value: Mapping[str, Any]) -> Scored:
    interval = value.get("ci95")
    pair = (
        (float(interval[0]), float(interval[1]))
        if isinstance(interval, list | tuple) and len(interval) == 2 and None not in interval
        else None
    )
    return Scored(name, value.get("log_loss"), value.get("accuracy"), pair)


def show_value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | dict):
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= 300 else text[:300] + " …"
    return str(value)


@dataclass(frozen=True)
class CountTable:
    """A dataset's counts: one row per kind and source, one column per split, and the counts that do not
    fit.
    """

    columns: list[str]
    rows: list[tuple[str, list[int | None]]]
    facts: list[tuple[str, str]]


def tabulate_counts(counts: Mapping[str, Any]) -> CountTable:
    nested = {
        name: value for name, value in counts.items() if isinstance(value, Mapping) and "train" in value
    }
    sources = {f"{SOURCE}{name}": value for name, value in counts.get("sources", {}).items()}
    columns = list(dict.fromkeys(split for value in nested.values() for split in value))
    facts = {name: value for name, value in counts.items() if name not in nested and name not in BY_NAME}
    return CountTable(
        columns=columns,
        rows=[(name, [value.get(split) for split in columns]) for name, value in (nested | sources).items()],
        facts=[(name, _list_counts(value)) for name, value in facts.items()],
    )


def _is_by_split(value: Any) -> bool:
    return isinstance(value, Mapping) and "train" in value


def _list_counts(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(_(", ")).join(f"{count} {words_of(name)}" for name, count in value.items())
    return show_value(value)


def describe_counts(counts: Mapping[str, Any]) -> str:
    """One line: each kind of record with its total over the splits."""
    parts: list[str] = []
    for name, value in counts.items():
        if _is_by_split(value):
            parts.append(f"{value.get('all', sum(value.values()))} {words_of(name)}")
    return str(_(", ")).join(parts)


def describe_selection(selection: Mapping[str, Any]) -> str:
    """One line: the selection criteria of a dataset, without empty ones."""
    colon = _(": ")
    wishes = [
        f"{words_of(name)}{colon}{_(', ').join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in selection.items()
        if value not in (None, "", [], {})
    ]
    return str(_(", ")).join(wishes) or _("everything")
