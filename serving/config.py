"""One settings file with a table for each package. The command line wins over the environment, which wins
over the file. All faults are reported at once.

`load_settings` knows no package: each passes its own frozen pydantic-settings class and the name of its
table. Only the given settings file is opened.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from serving.errors import Fault, SettingsFault
from serving.faults import list_faults

Settings = TypeVar("Settings", bound=BaseSettings)


def load_settings(cls: type[Settings], table: str, *, config: Path | None, **overrides: Any) -> Settings:
    """The settings of one table: REJOINDER_<TABLE>__<FIELD> wins over the file, an override over both.

    Raises SettingsFault with every fault found.
    """
    from_file = _read_table(table, config)
    from_environment = _read_environment(cls, table)
    values = {**from_file, **from_environment, **overrides}
    try:
        return cls(**values)
    except ValidationError as error:
        origins = {
            **dict.fromkeys(from_file, f"{config}, table [{table}]"),
            **{field: _variable(table, field) for field in from_environment},
            **dict.fromkeys(overrides, "the command line"),
        }
        faults = list_faults(error, cls, lambda key: origins.get(key, "its default"))
        raise SettingsFault(table, faults) from None


def _read_table(table: str, config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        with config.open("rb") as file:
            found = tomllib.load(file).get(table, {})
    except FileNotFoundError:
        raise SettingsFault(
            table, [Fault("config", str(config), "no such file", "Correct the path after --config.")]
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFault(
            table, [Fault("config", str(config), f"not TOML ({error})", "Correct the named line.")]
        ) from None
    if not isinstance(found, dict):
        raise SettingsFault(
            table, [Fault(table, repr(found), "must be a table", f"Write [{table}] on a line of its own.")]
        )
    return found


def _read_environment(cls: type[BaseSettings], table: str) -> dict[str, Any]:
    """The values that environment variables set, by field name; lists and tables are decoded from JSON."""
    try:
        found = EnvSettingsSource(cls, env_prefix=_variable(table, ""), env_ignore_empty=False)()
        return {name: _read_choice(cls, name, value) for name, value in found.items()}
    except SettingsError as error:
        raise SettingsFault(
            table,
            [
                Fault(
                    _variable(table, "*"),
                    "...",
                    str(error),
                    'Lists and tables are written as JSON: ["a", "b"].',
                )
            ],
        ) from None


def _read_choice(cls: type[BaseSettings], name: str, value: Any) -> Any:
    """The value of an environment variable, which is text, as one of the setting's fixed choices if one is
    written so.
    """
    annotation = cls.model_fields[name].annotation if name in cls.model_fields else None
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    return next((choice for choice in choices if str(choice) == value), value)


def _variable(table: str, field: str) -> str:
    return f"REJOINDER_{table}__{field}".upper()
