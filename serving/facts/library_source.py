"""Reads facts from the source of an installed library without importing it: tables, classes and what they
inherit.

To import vLLM or transformers takes ten seconds and hundreds of megabytes; to parse one file, milliseconds.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple


class FoundClass(NamedTuple):
    """A class and the module that it is written in."""

    module: str
    node: ast.ClassDef


def find_package(name: str) -> Path | None:
    """The folder of an installed package, or None; nothing of it is run."""
    found = find_spec(name)
    return Path(found.origin).parent if found is not None and found.origin else None


def read_version(*names: str) -> str:
    """The version of the first of these distributions that is installed; empty if none is."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


@lru_cache(maxsize=64)
def parse_module(module: str) -> ast.Module | None:
    """The syntax tree of a module of an installed package, or None if there is no such file."""
    package, *inner = module.split(".")
    root = find_package(package)
    if root is None:
        return None
    path = root.joinpath(*inner)
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else None


def read_table(module: str, name: str) -> dict[str, Any]:
    """The literal entries of a dictionary or list of pairs that a module assigns to `name`."""
    for node in _walk_module(module):
        if isinstance(node, ast.Assign | ast.AnnAssign) and name in _list_targets(node):
            return dict(_read_entries(node.value))
    return {}


def find_class(module: str, name: str) -> FoundClass | None:
    """The class of that name in a module, or where the module imports it from."""
    for node in _walk_module(module):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return FoundClass(module, node)
    for imported, original, shown in list_imported(module):
        if shown == name and imported != module:
            return find_class(imported, original)
    return None


def list_ancestors(found: FoundClass) -> list[FoundClass]:
    """The class and all that it inherits from, as far as their source is of the same library, nearest
    first.
    """
    ancestors = [found]
    for base in found.node.bases:
        if isinstance(base, ast.Name) and (parent := find_class(found.module, base.id)) is not None:
            ancestors += [one for one in list_ancestors(parent) if one not in ancestors]
    return ancestors


def list_imported(module: str) -> Iterator[tuple[str, str, str]]:
    """`(module, name, name here)` of everything that a module imports by name from its own package."""
    package = module.split(".")[0]
    for node in _walk_module(module):
        if isinstance(node, ast.ImportFrom):
            source = _resolve_import(module, node)
            if source.split(".")[0] == package:
                yield from ((source, alias.name, alias.asname or alias.name) for alias in node.names)


def _walk_module(module: str) -> Iterator[ast.stmt]:
    tree = parse_module(module)
    yield from tree.body if tree is not None else ()


def _resolve_import(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    tree_is_package = (find_package(module.split(".")[0]) or Path()).joinpath(*module.split(".")[1:]).is_dir()
    parts = module.split(".")[: None if tree_is_package and node.level == 1 else -node.level or None]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _list_targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _read_entries(value: ast.expr | None) -> Iterator[tuple[str, Any]]:
    """Pairs of a dictionary, or of a list of pairs, also inside a call such as OrderedDict(...)."""
    pairs: list[tuple[ast.expr | None, ast.expr]] = []
    if isinstance(value, ast.Dict):
        pairs = list(zip(value.keys, value.values, strict=True))
    elif isinstance(value, ast.Call) and value.args:
        yield from _read_entries(value.args[0])
    elif isinstance(value, ast.List):
        pairs = [(one.elts[0], one.elts[1]) for one in value.elts if isinstance(one, ast.Tuple)]
    for key, held in pairs:
        try:
            yield ast.literal_eval(key), ast.literal_eval(held)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            continue  # computed entries, such as {**others}, are none that we look for
