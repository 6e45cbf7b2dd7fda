"""`rejoinder tag`: the tree from the command line, each change with the command that takes it back."""

import json
import re
from pathlib import Path

import pytest

from tests.commands.conftest import Call


@pytest.fixture
def tagged(call: Call, store: Path, tmp_path: Path) -> Call:
    """Two conversations with tags of three kinds were imported."""
    lines = [
        {
            "id": "c1",
            "language": "en",
            "turns": [{"role": "customer", "text": "Where is it?"}],
            "tags": ["domain:hotel", "vip"],
        },
        {
            "id": "c2",
            "language": "en",
            "turns": [{"role": "customer", "text": "And this?"}],
            "tags": ["domain:train"],
        },
    ]
    file = tmp_path / "talks.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    assert call("import", str(file), "--kind", "conversations", "--source", "trial").exit_code == 0
    return call


def list_paths(call: Call) -> dict[str, int]:
    told = json.loads(call("tag", "list", "--json").output)
    return {each["path"]: each["conversations"] for each in told["tags"]}


def test_strings_become_a_tree_and_strings_again(tagged: Call) -> None:
    assert "3 strings mean no tag yet: rejoinder tag adopt --dry-run" in tagged("tag", "list").output
    shown = tagged("tag", "adopt", "--dry-run")
    assert "       1  domain:hotel -> domain/hotel" in shown.output and list_paths(tagged) == {}
    done = tagged("tag", "adopt")
    assert "3 strings mean 4 new tags." in done.output
    assert list_paths(tagged) == {"domain": 2, "domain/hotel": 1, "domain/train": 1, "vip": 1}
    again = tagged("tag", "adopt")
    assert again.exit_code == 3 and "Every string means a tag already." in again.output
    (number,) = re.findall(r"tag undo (\d+)", done.output)
    assert tagged("tag", "undo", number).exit_code == 0
    assert list_paths(tagged) == {}


def test_every_change_has_a_command(tagged: Call) -> None:
    tagged("tag", "adopt")
    for words in (
        ("add", "money/refund"),
        ("rename", "domain:hotel", "lodging"),
        ("move", "vip", "domain"),
        ("merge", "domain/train", "domain/lodging"),
        ("retire", "money/refund"),
    ):
        assert "`rejoinder tag undo" in tagged("tag", *words).output, words
    assert list_paths(tagged) == {
        **{"domain": 2, "domain/lodging": 2, "domain/vip": 1, "money": 0, "money/refund": 0},
    }
    assert "money/refund  (retired)" in tagged("tag", "list").output
    assert tagged("tag", "restore", "money/refund").exit_code == 0
    assert "in use, so there is nothing to restore" in tagged("tag", "restore", "money/refund").output
    refused = tagged("tag", "merge", "domain", "domain:hotel")
    assert refused.exit_code == 1 and "cannot go into 'domain/lodging'" in refused.output
    assert tagged("tag", "rename", "nobody", "x").exit_code == 1
