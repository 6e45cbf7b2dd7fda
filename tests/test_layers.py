"""Which package may import which, read from the source without importing anything: serving <- feedback <-
trainer.

Commands, demo and bench see all three. The web keeps heavy libraries out of its process, and light modules
keep them out of theirs. Rooms, the folders and loose files of a package, need one another one way only.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("serving", "feedback", "trainer", "demo", "commands", "bench", "rejoinder")
ALLOWED = {
    "serving": {"serving"},
    "feedback": {"serving", "feedback"},
    "trainer": {"serving", "feedback", "trainer"},
}
HEAVY = ("torch", "transformers", "trl", "peft", "vllm", "accelerate", "datasets")


def list_modules(*packages: str) -> list[Path]:
    found = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "__pycache__" not in path.parts]


def name_module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk_imports(
    node: ast.AST, *, into_functions: bool, for_types: bool = False
) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports that run; those for the type checker alone bind nothing and are left out unless asked for."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif is_type_checking(child) and not for_types:
            continue
        elif into_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from walk_imports(child, into_functions=into_functions, for_types=for_types)


def list_imports(path: Path, *, into_functions: bool, for_types: bool = False) -> set[str]:
    """Full names: for `from a.b import c` both a.b and a.b.c, since c may be a module."""
    names: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in walk_imports(tree, into_functions=into_functions, for_types=for_types):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        else:
            assert node.level == 0, f"{path}: relative import; write the full name"
            assert node.module is not None
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def top(name: str) -> str:
    return name.split(".")[0]


def test_there_is_something_to_look_at() -> None:
    counts = {
        package: len(list_modules(package))
        for package in ("serving", "feedback", "trainer", "commands", "demo")
    }
    assert counts["serving"] >= 12 and counts["feedback"] >= 40 and counts["trainer"] >= 12, counts
    assert counts["commands"] >= 18 and counts["demo"] >= 8, counts


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_go_one_way_only(package: str) -> None:
    wrong = {
        name_module(path): sorted(found)
        for path in list_modules(package)
        if (
            found := {top(name) for name in list_imports(path, into_functions=True)}
            & set(OURS) - ALLOWED[package]
        )
    }
    assert wrong == {}, f"{package} may import {sorted(ALLOWED[package])} only"


def test_the_web_and_the_serving_client_load_no_training_library() -> None:
    wrong = {
        name_module(path): sorted(found)
        for path in list_modules("serving", "feedback")
        if (found := {top(name) for name in list_imports(path, into_functions=True)} & set(HEAVY))
    }
    # A program of its own, which becomes the engine's process.
    assert wrong == {"serving.engine.forking_server": ["vllm"]}


def test_serving_never_touches_a_database() -> None:
    wrong = [
        name_module(path)
        for path in list_modules("serving")
        if {top(name) for name in list_imports(path, into_functions=True)}
        & {"sqlalchemy", "sqlmodel", "sqlite3", "alembic"}
    ]
    assert wrong == []


def test_commands_load_heavy_libraries_only_inside_functions() -> None:
    wrong = {
        name_module(path): sorted(found)
        for path in [*list_modules("commands"), ROOT / "rejoinder.py"]
        if (found := {top(name) for name in list_imports(path, into_functions=False)} & set(HEAVY))
    }
    assert wrong == {}


def test_no_import_cycle_among_modules() -> None:
    modules = {
        name_module(path): path for path in list_modules("serving", "feedback", "trainer", "demo", "commands")
    }
    graph = {
        name: {
            found for found in list_imports(path, into_functions=False) if found in modules and found != name
        }
        for name, path in modules.items()
    }
    assert len(graph) >= 90, len(graph)
    assert find_cycle(graph) is None


@pytest.mark.parametrize("package", ["commands", "feedback", "serving", "trainer"])
def test_no_import_cycle_among_rooms(package: str) -> None:
    """Everything counts: imports in functions, and those for the type checker alone."""
    modules = {name_module(path): path for path in list_modules(package)}
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        found = list_imports(path, into_functions=True, for_types=True) & set(modules)
        graph.setdefault(room_of(name), set()).update(map(room_of, found))
    for room, needed in graph.items():
        needed.discard(room)
    assert len(graph) >= 10 and any(graph.values()), graph
    assert find_cycle(graph) is None


def room_of(name: str) -> str:
    """The second part of a module's name: a folder, or a loose file that is a room of its own."""
    package, _, rest = name.partition(".")
    return rest.partition(".")[0] or package


def test_imports_are_found_wherever_they_stand() -> None:
    tree = ast.parse("if TYPE_CHECKING:\n    import a\ndef f():\n    import b\n")

    def find(**which: bool) -> list[str]:
        return [ast.unparse(node) for node in walk_imports(tree, **which)]

    assert find(into_functions=False) == []
    assert find(into_functions=True) == ["import b"]
    assert find(into_functions=True, for_types=True) == ["import a", "import b"]


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    """One cycle as the names along it, or None. Depth first; a package's own __init__ counts as a module."""
    state: dict[str, int] = {}
    trail: list[str] = []

    def visit(name: str) -> list[str] | None:
        state[name] = 1
        trail.append(name)
        for follower in sorted(graph[name]):
            if state.get(follower) == 1:
                return [*trail[trail.index(follower) :], follower]
            if follower not in state and (found := visit(follower)) is not None:
                return found
        trail.pop()
        state[name] = 2
        return None

    for name in sorted(graph):
        if name not in state and (found := visit(name)) is not None:
            return found
    return None


def test_find_cycle_sees_a_cycle_and_only_a_cycle() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": set()}) is None
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


# Entry points, and the views of calls and pages about the same thing.
NAMED_TWICE = {
    *("command", "main", "list_adapters", "list_duels", "list_runs", "show_duel", "show_import", "show_run"),
    *("show_task", "show_tasks"),
}


def test_a_public_name_has_one_home():
    """Else a reader who looks for a name finds two things; shorter names hide it longer."""
    homes: dict[str, set[str]] = {}
    for path in list_modules(*OURS[:-1]):
        if "versions" in path.parts:
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, set()).add(name_module(path))
    assert {name: found for name, found in homes.items() if len(found) > 1 and name not in NAMED_TWICE} == {}
