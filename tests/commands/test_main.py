"""The command group: what it lists, what every command offers, and how faults are told."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from commands.docs import split_help, walk_commands
from rejoinder import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output


def test_every_command_has_help_with_an_example() -> None:
    commands = list(walk_commands(main, "rejoinder"))

    assert len(commands) >= 18
    for path, command in commands:
        prose, examples = split_help(command.help or "")
        assert prose, path
        parent = " ".join(path.split()[:2])
        assert f"{parent}" in examples, f"{path} shows no example"


@pytest.mark.parametrize(
    "words", [["fly"], ["token", "create"], ["import", "no-such-file", "--kind", "choices"]]
)
def test_wrong_use_ends_with_2(words: list[str]) -> None:
    assert CliRunner().invoke(main, words).exit_code == 2


def test_wrong_settings_end_with_2_and_are_told_all_at_once(tmp_path: Path) -> None:
    config = tmp_path / "r.toml"
    config.write_text('[feedback]\nport = 99999\nthreads = "many"\n[trainer]\nnightly_cron = "never"\n')

    result = CliRunner().invoke(main, ["up", "--config", str(config), "--data-dir", str(tmp_path / "var")])

    assert result.exit_code == 2
    for fault in ("port = 99999", 'threads = "many"', 'nightly_cron = "never"'):
        assert fault in result.output


def list_loaded(script: str, *libraries: str) -> list[str]:
    """Which of these libraries a fresh interpreter has loaded after the script."""
    told = f"import sys; {script}; print(*sorted(set({libraries!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[-2].split()


def test_listing_commands_imports_none_of_them() -> None:
    script = "import click, rejoinder; print(rejoinder.main.get_help(click.Context(rejoinder.main)))"

    heavy = ("torch", "transformers", "vllm", "flask", "sqlalchemy", "rich", "pydantic", "commands.status")
    assert list_loaded(script, *heavy) == []


def test_loading_every_command_imports_no_model_library() -> None:
    script = "import rejoinder; [rejoinder.main.get_command(None, name) for name in rejoinder.COMMANDS]"

    assert list_loaded(script, "torch", "transformers", "trl", "peft", "vllm", "scipy") == []


def test_a_trainer_that_waits_for_a_run_has_loaded_nothing_of_what_runs_need() -> None:
    heavy = ("torch", "transformers", "trl", "peft", "vllm", "scipy", "trainer.jobs.pipeline")
    assert list_loaded("import trainer.__main__", *heavy) == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_says_of_a_command_what_the_command_says(name: str) -> None:
    found = main.get_command(click.Context(main), name)

    assert found is not None and found.get_short_help_str(1000) == COMMANDS[name][1]


def test_module_of_each_command_offers_a_click_command() -> None:
    context = click.Context(main)

    assert [name for name in COMMANDS if main.get_command(context, name) is None] == []
