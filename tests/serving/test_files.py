"""The small files of the data directory: endpoint and manifest."""

import stat
from datetime import UTC, datetime

import pytest

from serving.adapters.manifest import Manifest, read_manifest, write_manifest
from serving.client.endpoint import Endpoint, read_endpoints, remove_endpoints, write_endpoints
from serving.errors import EngineNotRunning
from serving.files import move_directory, open_atomic, read_key_file, write_atomically
from serving.settings import ServingSettings

ENDPOINT = Endpoint("http://127.0.0.1:8101", "secret")


def test_endpoint_comes_back_and_only_its_owner_reads_the_file(tmp_path):
    write_endpoints(tmp_path, [ENDPOINT])
    assert read_endpoints(ServingSettings(), tmp_path) == [ENDPOINT]
    assert stat.S_IMODE((tmp_path / "endpoint.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"replicas": []}', '{"replicas": [{"url": "x"}]}'])
def test_without_a_usable_file_no_engine_is_running(tmp_path, content):
    if content is not None:
        (tmp_path / "endpoint.json").write_text(content)
    with pytest.raises(EngineNotRunning, match="rejoinder up"):
        read_endpoints(ServingSettings(), tmp_path)


def test_remote_engines_of_the_settings_win_over_the_file(tmp_path):
    write_endpoints(tmp_path, [ENDPOINT])
    settings = ServingSettings(replicas=("http://a:1/", "http://b:2"), backend="cuda", api_key="k")
    assert read_endpoints(settings, tmp_path) == [Endpoint("http://a:1", "k"), Endpoint("http://b:2", "k")]


def test_file_of_an_engine_that_ended_is_removed(tmp_path):
    write_endpoints(tmp_path, [ENDPOINT])
    remove_endpoints(tmp_path)
    remove_endpoints(tmp_path)
    assert not (tmp_path / "endpoint.json").exists()


def test_manifest_comes_back(tmp_path):
    manifest = Manifest(7, "tuned-20260102-1", None, 1.0, datetime(2026, 1, 2, tzinfo=UTC))
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize("content", [None, "{", '{"fence": 1}', "3"])
def test_manifest_that_cannot_be_read_is_none(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    assert read_manifest(tmp_path) is None


def test_failed_write_leaves_the_old_content_and_no_litter(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_key_file_has_one_key_whoever_starts_first(tmp_path):
    path = tmp_path / "var" / "secret.key"

    def make_late():
        read_key_file(path, lambda: "of the first")  # another process, between the look and the write
        return "of the second"

    assert read_key_file(path, make_late) == "of the first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_never_replaces_one_that_stands(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(FileExistsError), open_atomic(path, is_new=True) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_directory_takes_a_free_name_and_leaves_a_taken_one_alone(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "file").write_bytes(b"1")
    assert move_directory(source, target) and not source.exists()
    source.mkdir()
    assert not move_directory(source, target)
    assert (target / "file").read_bytes() == b"1" and source.is_dir()
