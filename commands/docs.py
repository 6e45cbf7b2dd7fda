"""Generates docs/cli.md, http.md, morning.md and settings.md, and the tables of exports in docs/formats.md,
from the program: `python -m commands.docs`, or `make fix`.

tests/test_docs.py fails if the pages are not what this generates.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from commands.export_forms import fill_tables
from commands.shifts import SHIFTS
from commands.situations import SITUATIONS
from feedback.app import create_app
from feedback.clock import SystemClock
from feedback.helper.settings import HelperSettings
from feedback.morning.sentence import say
from feedback.settings import FeedbackSettings
from feedback.store.engine import open_engine
from rejoinder import main as group
from serving.settings import ServingSettings
from trainer.settings import TrainerSettings

DOCS = Path(__file__).resolve().parent.parent / "docs"
GENERATED = "<!-- Written by `python -m commands.docs`; change the program, not this page. -->"
HIDDEN = ("--help",)
WIDTH = 120


def main() -> None:
    for name, text in render_pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        click.echo(f"docs/{name}: {len(text.splitlines())} lines")


def render_pages() -> dict[str, str]:
    pages = {
        "cli.md": render_commands(),
        "http.md": render_routes(),
        "morning.md": render_situations(),
        "settings.md": render_settings(),
    }
    formats = fill_tables((DOCS / "formats.md").read_text(encoding="utf-8"))
    return {name: wrap_prose(text) for name, text in pages.items()} | {"formats.md": formats}


def wrap_prose(text: str) -> str:
    """Wraps paragraphs that have a long line; table rows are not changed."""
    return (
        "\n\n".join(
            paragraph if paragraph.startswith(("|", "```")) else "\n".join(wrap_lines(paragraph.splitlines()))
            for paragraph in text.removesuffix("\n").split("\n\n")
        )
        + "\n"
    )


def wrap_lines(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield from textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False) or [line]


def render_commands() -> str:
    parts = [
        "# Commands",
        GENERATED,
        "Every command takes `--data-dir` (default `var`, or `REJOINDER_DATA_DIR`) and `--config` (default "
        "`rejoinder.toml` in the working directory, or `REJOINDER_CONFIG`). Exit codes: 0 done, 1 failed, "
        "2 wrong use, 3 nothing to do. With `--json` the answer is one JSON object on standard output.",
        "Forms of imported and exported lines: see [architecture.md](architecture.md#record-forms).",
    ]
    for path, command in walk_commands(group, "rejoinder"):
        parts.append(render_command(path, command))
    return "\n\n".join(parts) + "\n"


def walk_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Commands in the order of `--help`, a group before its own commands."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from walk_commands(command, f"{path} {name}")


def render_command(path: str, command: click.Command) -> str:
    text, examples = split_help(command.help or "")
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    usage = " ".join([path, *(param.make_metavar(click.Context(command)) for param in arguments)])
    parts = [f"## {path}", text]
    if not isinstance(command, click.Group):
        parts.append(f"`{usage}`")
    rows = [render_option(param) for param in command.params if isinstance(param, click.Option)]
    shown = [row for row in rows if row is not None]
    if shown:
        parts.append(render_table("option | effect", shown))
    if examples:
        parts.append(f"```\n{examples}\n```")
    return "\n\n".join(parts)


def split_help(text: str) -> tuple[str, str]:
    """Splits a command's help into prose and examples (click's \\b paragraphs)."""
    prose, examples = [], []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            examples.append(paragraph.removeprefix("\b").strip("\n"))
        else:
            prose.append(" ".join(paragraph.split()))
    return "\n\n".join(prose), "\n".join(examples)


def render_option(option: click.Option) -> str | None:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if names in ("`--data-dir`", "`--config`") or option.opts[0] in HIDDEN:
        return None
    notes = []
    if option.required:
        notes.append("required")
    if isinstance(option.type, click.Choice):
        notes.append("one of " + ", ".join(f"`{choice}`" for choice in option.type.choices))
    if option.show_default and not option.is_flag:
        notes.append(f"default `{option.default}`")
    if option.envvar:
        notes.append(f"or `{option.envvar}`")
    return f"| {names} | {option.help or ''}{' (' + '; '.join(notes) + ')' if notes else ''} |"


def render_routes() -> str:
    """The API's calls with their roles, then the pages."""
    calls, pages = [], []
    for rule, method, view in list_documented_routes():
        route = getattr(view, "route", None)
        summary = inspect.cleandoc(view.__doc__ or "").split("\n")[0] or "-"
        if route is not None:
            roles = ", ".join(dict.fromkeys((*route.roles, "admin"))) if route.roles else "none"
            calls.append(f"| `{method}` | `{rule}` | {roles} | {summary} |")
        else:
            pages.append(f"| `{method}` | `{rule}` | {summary} |")
    return "\n\n".join(
        [
            "# Calls and pages",
            GENERATED,
            "JSON in and out with `Authorization: Bearer <token>`, or from our own pages with the session "
            "and `X-CSRFToken`. Every field of every call is in `/openapi.json` of the running service, "
            "with a body for each role where they may say different things; any other field is refused with "
            "422. Each `POST` carries an `event_id`, any UUID made by the client: the same event again gives "
            "the same answer, another body under it 409. A `PUT` says how something stands now and needs "
            "none: said again, it leaves the same. An error is "
            '`{"error": {"code", "message", "hint"}}`.',
            "Calls with a parameter `wait` answer as soon as there is something new, or empty after so "
            "many seconds. With `Accept: text/event-stream` they are streams of server-sent events "
            "instead: each event's data is one such answer. A stream lasts ten minutes at most and says"
            " something every 20 seconds; open it again with `after` set to the last message. Who holds"
            " too many waits (a visitor 8, a person 64, the visitors of one address 200) is answered at"
            " once and should ask again after a while. A head that takes more than 10 seconds, or a "
            "body slower than 1,000 bytes a second, is answered 408 and the connection ends.",
            "## Calls",
            render_table("method | path | roles | what it does", calls),
            "## Pages and probes",
            render_table("method | path | what it shows", pages) + "\n",
        ]
    )


def list_documented_routes() -> list[tuple[str, str, Any]]:
    """Path, method and view function of each route except static files. The store is not opened."""
    settings = FeedbackSettings(secret_key=SecretStr("only for listing the routes of the service"))
    app = create_app(settings, store_engine=open_engine("sqlite:///never-opened.db"), clock=SystemClock())
    found = [
        (rule.rule, method, app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return sorted(found, key=lambda route: route[:2])


def render_sentences(what: str, told: dict[str, dict[str, Any]]) -> str:
    """Each case by name with its sentence and what to do."""
    rows = (
        f"| {name} | {one['text']} | {one['action']['text']} | `{one['code']}` |"
        for name, one in told.items()
    )
    return render_table(f"{what} | sentence | what to do | code", rows)


def render_table(columns: str, rows: Iterable[str]) -> str:
    return "\n".join([f"| {columns} |", "| --- " * (columns.count("|") + 1) + "|", *rows])


def render_situations() -> str:
    """Every situation of the morning, and every drift alarm, with its sentence and what to do."""
    situations = {name: say(facts).to_json() for name, facts in SITUATIONS.items()}
    shifts = {name: alarm.to_json() for name, alarm in SHIFTS.items()}
    return "\n\n".join(
        [
            "# The sentence of the morning",
            GENERATED,
            "One sentence says how the loop stands now, and one what to do about it. Today in the "
            "console, the run report, its webhook (key `morning`), `rejoinder report` and `rejoinder "
            "status` say the same one, from the rows as they stand: `feedback/morning/gather.py` reads the "
            "facts, and a pure function, `sentence.say`, makes a code with its numbers of them. Codes are "
            "stable; pages say them in the reader's language, calls and commands in English.",
            "Better and worse are said only where the 95 % interval of the share excludes one half and ten "
            "picks or more are behind it; otherwise it is not known yet. Proven means by the "
            "[policy](policy.md). Of several things to say the first counts: what is broken, what waits "
            "for a person, what is under way, the news of the night, how it stands.",
            render_sentences("situation", situations),
            "## Drift",
            "Below it stands an alarm for each quantity that is not what it was: one or two whole weeks "
            "against the four weeks before, days in UTC. Today, the run report, its webhook (key `drift`), "
            "`rejoinder report` and `rejoinder status` tell the same ones; an alarm ends by itself. It links "
            "to its rows (`rows`: parameters of `/console/conversations`). Rule and rates: "
            "[evidence.md](evidence.md#drift).",
            render_sentences("shift", shifts) + "\n",
        ]
    )


def render_settings() -> str:
    parts = [
        "# Settings",
        GENERATED,
        "`rejoinder.toml` has a table for each package. A variable `REJOINDER_<TABLE>__<FIELD>` wins over "
        "the file, and an option of the command line over both. All faults are told at once, with the value, "
        "the limit and what to do. `data_dir` comes from `--data-dir`.",
        '```toml\n[serving]\nbase_model = "Qwen/Qwen3-0.6B"\n\n[feedback]\nport = 8090\n\n[trainer]\n'
        'nightly_cron = "30 1 * * *"\n```',
    ]
    for table, cls in list_settings():
        parts.append(f"## [{table}]")
        rows = []
        effects = read_effects(cls)
        for name, field in cls.model_fields.items():
            if name != "data_dir":
                default = field.get_default(call_default_factory=True)
                rows.append(f"| `{name}` | `{show_default(default)}` | {effects[name]} |")
        parts.append(render_table("setting | default | effect", rows))
    return "\n\n".join(parts) + "\n"


def list_settings() -> list[tuple[str, type[BaseSettings]]]:
    return [
        ("serving", ServingSettings),
        ("feedback", FeedbackSettings),
        ("trainer", TrainerSettings),
        ("helper", HelperSettings),
    ]


def read_effects(cls: type[BaseSettings]) -> dict[str, str]:
    """The text below each settings field: unit, default and effect."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    effects: dict[str, str] = {}
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
            continue
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            effects[node.target.id] = re.sub(r"\s+", " ", str(ast.literal_eval(after.value))).strip()
    return effects


def show_default(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).replace("'", '"') if value != "" else '""'


if __name__ == "__main__":
    main()
