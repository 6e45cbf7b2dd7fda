"""The documentation cannot rot: generated pages are current, every command, setting and route is told of.

Function names in docs/lifecycle.md exist, links lead somewhere, and both READMEs tell the same.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.docs import list_documented_routes, list_settings, read_effects, render_pages, walk_commands
from rejoinder import main

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["cli.md", "formats.md", "http.md", "settings.md"])
def test_generated_pages_are_current(name: str) -> None:
    assert read(name) == render_pages()[name], "run `make fix` (python -m commands.docs)"


def test_every_command_and_option_is_documented() -> None:
    text = read("cli.md")
    commands = list(walk_commands(main, "rejoinder"))

    assert len(commands) >= 18
    for path, command in commands:
        assert f"## {path}\n" in text
        for option in command.params:
            assert not option.opts[0].startswith("--") or option.opts[0] in text


def test_every_setting_says_what_it_does() -> None:
    text = read("settings.md")
    count = 0
    for table, cls in list_settings():
        effects = read_effects(cls)
        for name in cls.model_fields:
            count += 1
            assert effects.get(name), f"[{table}] {name} has no line beneath it"
            assert name == "data_dir" or f"| `{name}` |" in text
    assert count >= 50, count


def test_every_route_is_documented() -> None:
    text = read("http.md")
    routes = list_documented_routes()

    assert len(routes) >= 35
    assert [rule for rule, method, _ in routes if f"| `{method}` | `{rule}` |" not in text] == []


def test_lifecycle_names_functions_that_exist() -> None:
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)\.([A-Za-z_][A-Za-z_0-9.]*)\(\)`", read("lifecycle.md"))

    assert len(named) >= 25, len(named)
    missing = [f"{module}.{name}" for module, name in named if not is_defined(module, name)]
    assert missing == []


def is_defined(module: str, name: str) -> bool:
    """Whether the module's source defines this function, class, or method written as Class.method."""
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.exists():
        path = ROOT / module.replace(".", "/") / "__init__.py"
    if not path.exists():
        return False
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = next((node for node in body if getattr(node, "name", None) == part), None)
        if found is None:
            return False
        body = getattr(found, "body", [])
    return True


def list_pages() -> list[Path]:
    return [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md")), ROOT / "deploy" / "README.md"]


def test_links_between_pages_lead_somewhere() -> None:
    pages = list_pages()
    links = [
        (page, target.partition("#")[0])
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    ]

    assert len(pages) >= 10 and len(links) >= 15
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []


def test_every_page_is_listed_in_the_index_once() -> None:
    names = {path.name for path in DOCS.glob("*.md")} - {"index.md"}

    listed = re.findall(r"\]\(([a-z-]+\.md)\)", read("index.md"))
    assert names >= {"architecture.md", "cli.md", "http.md", "lifecycle.md", "runbook.md", "settings.md"}
    assert sorted(listed) == sorted(names)  # each under one heading


def test_the_index_leads_from_tutorial_to_explanation() -> None:
    assert re.findall(r"^## (.+)$", read("index.md"), flags=re.M) == [
        "Tutorial",
        "How-to",
        "Reference",
        "Explanation",
    ]


def test_prose_has_lines_of_at_most_130_characters() -> None:
    """Rows of tables and fenced code are as long as they are."""
    pages = [
        *sorted(DOCS.rglob("*.md")),
        *(ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md")),
    ]
    assert [
        f"{page.name}:{number}"
        for page in pages
        for number, line in list_prose(page.read_text(encoding="utf-8"))
        if len(line) > 130
    ] == []


def list_prose(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without tables and fenced code."""
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.lstrip().startswith("|"):
            yield number, line


def test_both_readmes_show_the_same_tree_and_commands() -> None:
    def facts(name: str) -> list[str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        tree = re.findall(r"^([a-z]+(?:/|\.py))  ", text, flags=re.M)
        return [*tree, *re.findall(r"make (?:run|test|setup)(?: [A-Z_]+=[A-Za-z0-9./-]+)*", text)]

    english, chinese = facts("README.md"), facts("README.zh.md")

    assert len(english) >= 14
    assert set(english) == set(chinese)


def test_readme_lists_every_package() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = [path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()]

    assert len(folders) >= 7, folders
    assert [name for name in folders if f"\n{name}/" not in text] == []
