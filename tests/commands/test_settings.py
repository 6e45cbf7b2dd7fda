"""Every setting of every package can be given as a variable, whatever its type."""

import json
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import SecretStr

from commands.docs import list_settings
from serving.config import load_settings

# Where another value needs a particular form, or a second setting beside it.
VALUES: dict[str, Any] = {
    "chat_name": {"en": "Lamp shop"},
    "chat_greeting": {"zh": "您好！"},
    "chat_examples": {"en": ("Where is my lamp?",)},
    "served_name": "other",
    "host": "127.0.0.2",
    "replicas": ("http://10.0.0.1:8000",),
    "chat_template_kwargs": {"enable_thinking": False},
    "public_url": "https://desk.example.org",
    "trusted_hosts": ("desk.lan",),
    "secret_key": SecretStr("k" * 32),
    "api_key": SecretStr("k"),
    "backup_dir": Path("elsewhere"),
    "public_chat": True,
    "limits_url": "valkey://127.0.0.1:6379/0",
    "database_url": "postgresql+psycopg://localhost/x",
    "nightly_cron": "30 1 * * 1-5",
    "nightly_zone": "Europe/Berlin",
    "address": "own",
    "key": SecretStr("k"),
    "uses": ("tag", "filter"),
    "webhook_url": "https://hooks.example.org/x",
    "webhook_secret": SecretStr("whsec_" + "a" * 32),
}
BESIDE = {
    "replicas": {"backend": "cpu"},
    "webhook_url": {"webhook_secret": "whsec_" + "a" * 32},
}
FIELDS = [(table, cls, name) for table, cls in list_settings() for name in cls.model_fields]


def find_value(name: str, field: Any) -> Any:
    """Another value than the default."""
    if name in VALUES:
        return VALUES[name]
    default = field.default
    if get_origin(field.annotation) is Literal:
        return next(choice for choice in get_args(field.annotation) if choice != default)
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return default * 0.75 or 0.5
    if Path in (field.annotation, *get_args(field.annotation)):
        return Path("elsewhere")
    return "other"


def write_value(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, bool | tuple | dict) else str(value)


def test_there_are_settings_of_all_packages() -> None:
    assert {table for table, _, _ in FIELDS} == {"serving", "feedback", "trainer", "helper"} and len(
        FIELDS
    ) >= 60


@pytest.mark.parametrize(
    ("table", "cls", "name"), FIELDS, ids=[f"{table}.{name}" for table, _, name in FIELDS]
)
def test_a_variable_sets_it(table: str, cls: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = find_value(name, cls.model_fields[name])
    for field, text in {name: write_value(value), **BESIDE.get(name, {})}.items():
        monkeypatch.setenv(f"REJOINDER_{table}__{field}".upper(), text)
    assert getattr(load_settings(cls, table, config=None), name) == value


def test_a_choice_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.errors import SettingsFault
    from serving.settings import ServingSettings

    monkeypatch.setenv("REJOINDER_SERVING__MAX_LORA_RANK", "17")
    with pytest.raises(SettingsFault, match="REJOINDER_SERVING__MAX_LORA_RANK"):
        load_settings(ServingSettings, "serving", config=None)
