"""Files of values, of which one may extend another: policies in TOML, recipes in YAML.

A file may say `extends`, with the bare name of a shipped file or a path relative to its own folder. Its own
values then override those of the other file key by key, also inside tables. The caller checks what the values
mean.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from serving.errors import Fault, ValuesUnreadable

Values = dict[str, Any]


@dataclass(frozen=True)
class ValueFiles:
    """One kind of file, such as recipes.

    `parse` raises ValueError; `check` refuses wrong values of an extended file.
    """

    kind: str
    folder: Path
    ending: str
    parse: Callable[[str], object]
    check: Callable[[Values, Path], object]

    def list_shipped(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob(f"*{self.ending}"))

    def read(self, source: Path | str) -> tuple[Path, Values]:
        """Reads a file, given as a path or as the bare name of a shipped one; returns its path and all its
        values.

        Their `name` is the one in the file, or else the file's stem. Raises ValuesUnreadable.
        """
        path = self._find(source, Path())
        values = self._resolve(path, self._parse(path, path, Fault(self.kind, str(source), "", "")), ())
        return path, {"name": path.stem} | values

    def _find(self, source: Path | str, beside: Path) -> Path:
        path = Path(source)
        if path.suffix:
            return beside / path
        return self.folder / f"{path.name}{self.ending}"  # also where a folder of that name stands

    def _resolve(self, path: Path, values: Values, above: tuple[Path, ...]) -> Values:
        own = {key: value for key, value in values.items() if key != "extends"}
        if "extends" not in values:
            return own
        told = Fault("extends", str(values["extends"]), "", "")
        below = self._find(told.value, path.parent)
        read = self._parse(below, path, told)
        if below.resolve() in (path.resolve(), *above):
            raise self._refuse(path, told, "the files extend one another in a circle", "Remove this line.")
        inherited = self._resolve(below, read, (path.resolve(), *above))
        self.check({"name": below.stem} | inherited, below)
        return lay_over({key: value for key, value in inherited.items() if key != "name"}, own)

    def _parse(self, path: Path, named_in: Path, told: Fault) -> Values:
        """Reads and parses one file. `told`: the key and the value that name this file, for the error."""
        try:
            values = self.parse(path.read_text(encoding="utf-8"))
        except OSError as fault:
            remedy = f"Name a file, or one of {', '.join(self.list_shipped())}."
            raise self._refuse(named_in, told, fault.strerror or "it cannot be read", remedy) from fault
        except ValueError as fault:
            limit = f"not {self.ending[1:].upper()} ({fault})"
            raise self._refuse(path, told, limit, "Correct the named line.") from fault
        if not isinstance(values, dict):
            raise self._refuse(path, told, "it holds no keys with values", "Write one key a line.")
        return values

    def _refuse(self, path: Path, told: Fault, limit: str, remedy: str) -> ValuesUnreadable:
        return ValuesUnreadable(self.kind, path, replace(told, limit=limit, remedy=remedy))


def lay_over(below: Values, own: Values) -> Values:
    """The values of `below`, overridden by those of `own`; two tables are merged key by key."""
    merged = below | own
    for key, value in own.items():
        under = below.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[key] = lay_over(under, value)
    return merged
