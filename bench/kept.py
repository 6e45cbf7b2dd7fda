"""Nights of `bench.loop` kept in folders, so that their training can be repeated without an engine.

FOLDER/seed-S-night-N/ holds the night's training data (`dataset/`), the adapter it was compared with
(`serving/`, if one served) and its run as the API showed it (`run.json`). `bench.recipes --kept` reads them.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from bench.instance import Service
from demo.simulate import Night, Serving
from feedback.datasets.layout import dataset_dir
from serving.adapters.staging import weights_of


@dataclass(frozen=True)
class KeptNight:
    """A night in a folder; `serving` is the name and weights of the adapter that served as it began."""

    name: str
    dataset: Path
    serving: tuple[str, Path] | None


def keep_night(folder: Path, service: Service, seed: int, night: Night, before: Serving) -> None:
    """Copies a night into the folder, over an earlier copy; `before` served when the run began."""
    place = folder / f"seed-{seed}-night-{night.number}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "run.json").write_text(json.dumps(night.run, indent=2), encoding="utf-8")
    if night.run["dataset"] is not None:
        shutil.copytree(dataset_dir(service.data_dir, night.run["dataset"]), place / "dataset")
    name = before.canary or before.live
    if name is not None:
        shutil.copytree(weights_of(service.data_dir / "adapters", name), place / "serving" / name)


def read_kept(folder: Path) -> list[KeptNight]:
    """All kept nights in the order of seed and night."""
    found = [place for place in folder.iterdir() if (place / "dataset").is_dir()]
    return [read_night(place) for place in sorted(found, key=number_of)]


def read_night(place: Path) -> KeptNight:
    served = sorted((place / "serving").glob("*"))
    return KeptNight(place.name, place / "dataset", (served[0].name, served[0]) if served else None)


def number_of(place: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in place.name.split("-") if part.isdigit())
