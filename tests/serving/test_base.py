"""The base model on disk: finding it, its identity, the shapes of its weights."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from serving.base import compute_base_id, read_base_shapes, resolve_base
from serving.errors import BaseModelUnknown


def make(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    save_file({"a.weight": np.zeros((2, 3), "f4")}, folder / "model-00001-of-00002.safetensors")
    save_file({"b.weight": np.zeros((4,), "f2")}, folder / "model-00002-of-00002.safetensors")
    return folder


def test_folder_is_found_by_path_and_relative_to_here(tmp_path, monkeypatch):
    folder = make(tmp_path / "demo" / "thing")
    assert resolve_base(folder) == folder
    monkeypatch.chdir(tmp_path)
    assert resolve_base("demo/thing") == folder


def test_relative_folder_is_looked_up_beside_the_program(tmp_path, monkeypatch):
    monkeypatch.setattr("serving.base.REPOSITORY", tmp_path)
    folder = make(tmp_path / "demo" / "thing-of-tests")
    assert resolve_base("demo/thing-of-tests") == folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/absent/model", "there is no such folder"),
        ("./absent", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
        ("Nobody/No-Such-Model", "not in the model cache"),
        ("what is this?", "neither a folder nor a hub name"),
    ],
)
def test_unknown_base_says_where_it_looked_and_what_to_name(name, text):
    with pytest.raises(BaseModelUnknown) as caught:
        resolve_base(name)
    assert text in str(caught.value) and "Qwen/Qwen3-0.6B" in str(caught.value)


@pytest.mark.parametrize("missing", ["config.json", "*.safetensors"])
def test_folder_without_a_model_is_unknown(tmp_path, missing):
    folder = make(tmp_path / "m")
    for file in folder.glob(missing):
        file.unlink()
    with pytest.raises(BaseModelUnknown, match=missing.strip("*").replace(".", r"\.")):
        resolve_base(folder)


def test_identity_follows_content_not_place(tmp_path):
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    assert compute_base_id(one) == compute_base_id(two) and len(compute_base_id(one)) == 64
    (two / "README.md").write_text("a card changes nothing")
    assert compute_base_id(one) == compute_base_id(two)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "chat_template.jinja", "model-00001-of-00002.safetensors"]
)
def test_identity_changes_with_every_part(tmp_path, name):
    folder = make(tmp_path / "m")
    before = compute_base_id(folder)
    path = folder / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b" ")
    assert compute_base_id(folder) != before


def test_shapes_come_from_all_files(tmp_path):
    assert read_base_shapes(make(tmp_path / "m")) == {"a.weight": (2, 3), "b.weight": (4,)}


def test_broken_weights_are_named(tmp_path):
    folder = make(tmp_path / "m")
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"broken")
    with pytest.raises(BaseModelUnknown, match="model-00002"):
        read_base_shapes(folder)
