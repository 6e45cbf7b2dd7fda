"""Compiles each route, template and statement once for all the apps and stores of a run (tests/conftest.py).

Almost every test makes an app and a store of its own; to compile its routes, templates and SQL took more than
half of that test's time. What is kept is code alone: routes by their rule, templates by their source, SQL by
its statement.
"""

import gc
from collections.abc import Iterator
from functools import cache
from types import CodeType
from typing import Any

import pytest
import sqlalchemy
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

import feedback.store.engine

compile_rule = Rule.compile
compiled_rules: dict[object, dict[str, Any]] = {}
statements: LRUCache[Any, Any] = LRUCache(2000)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported for the tests stays: else the collector looks through all of it every few tests, and
    while it grows.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def keep_rule(rule: Rule) -> None:
    """What its address says; functions that build addresses take the rule itself as their first argument."""
    key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults))
    kept = compiled_rules.get(key)
    if kept is None:
        compile_rule(rule)
        names = ("_parts", "_trace", "_converters", "arguments")
        kept = compiled_rules[key] = {name: getattr(rule, name) for name in names}
        kept |= {"_build": rule._build.__func__, "_build_unknown": rule._build_unknown.__func__}
    built = {name: kept[name].__get__(rule, None) for name in ("_build", "_build_unknown")}
    vars(rule).update(kept, arguments=set(kept["arguments"]), **built)


class KeptTemplates(BytecodeCache):
    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self.codes[bucket.key, bucket.checksum] = bucket.code


@cache
def connect_sqlite() -> sqlalchemy.Dialect:
    """A dialect that knows the library's version, as it does after the first connection."""
    engine = sqlalchemy.create_engine("sqlite://")
    engine.connect().close()
    engine.dispose()
    return engine.dialect


def create_engine(address: sqlalchemy.URL, **options: Any) -> sqlalchemy.Engine:
    """Statements are kept by the dialect that they were compiled for, so all SQLite files have one."""
    engine = sqlalchemy.create_engine(address, **options)
    if engine.dialect.name == "sqlite":
        engine.dialect, engine._compiled_cache = connect_sqlite(), statements
    return engine


def keep_compiled() -> None:
    options: dict[str, Any] = {**Flask.jinja_options, "bytecode_cache": KeptTemplates()}
    Rule.compile = keep_rule
    Flask.jinja_options = options
    feedback.store.engine.create_engine = create_engine


keep_compiled()
