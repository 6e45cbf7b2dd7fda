"""Compiles each route and template once for all the apps of a run (see tests/conftest.py).

Almost every test makes an app of its own; to compile its routes and templates took more than half of that
test's time. What is kept is code alone: routes by their rule, templates by their source.
"""

from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

compile_builder = Rule._compile_builder
builders: dict[object, Callable[..., tuple[str, str]]] = {}


def keep_builder(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """The function that builds the rule's addresses; it takes the rule itself as its first argument."""
    key = (rule.rule, append_unknown, repr(rule.defaults), tuple(rule._trace))
    if key not in builders:
        builders[key] = compile_builder(rule, append_unknown)
    return builders[key]


class KeptTemplates(BytecodeCache):
    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self.codes[bucket.key, bucket.checksum] = bucket.code


def keep_compiled() -> None:
    options: dict[str, Any] = {**Flask.jinja_options, "bytecode_cache": KeptTemplates()}
    Rule._compile_builder = keep_builder  # type: ignore[method-assign]
    Flask.jinja_options = options


keep_compiled()
