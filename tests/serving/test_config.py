"""Settings: three sources in order, and every fault told at once with its remedy."""

from pathlib import Path

import pytest

from feedback.settings import FeedbackSettings
from serving.config import load_settings
from serving.errors import SettingsFault
from serving.settings import ServingSettings


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def load(config: Path | None = None, **overrides) -> ServingSettings:
    return load_settings(ServingSettings, "serving", config=config, **overrides)


def faults_of(config: Path | None = None, **overrides) -> list[str]:
    with pytest.raises(SettingsFault) as caught:
        load(config, **overrides)
    return [str(fault) for fault in caught.value.faults]


def test_defaults_are_those_of_the_demo():
    settings = load()
    assert (settings.base_model, settings.dtype, settings.port) == ("demo/model", "float32", 8101)
    assert (settings.temperature, settings.top_p, settings.top_k, settings.max_tokens) == (0.8, 0.95, -1, 96)


def test_environment_wins_over_file_and_override_over_both(tmp_path, monkeypatch):
    config = write(
        tmp_path / "r.toml", "[serving]\nport = 1\nmax_tokens = 11\ntop_p = 0.5\n[other]\nport = 9\n"
    )
    monkeypatch.setenv("REJOINDER_SERVING__PORT", "2")
    monkeypatch.setenv("REJOINDER_SERVING__MAX_TOKENS", "12")
    settings = load(config, max_tokens=13)
    assert (settings.top_p, settings.port, settings.max_tokens) == (0.5, 2, 13)


def test_variables_without_the_prefix_are_not_ours(monkeypatch):
    monkeypatch.setenv("PORT", "77")
    assert load().port == 8101


def test_lists_and_tables_come_from_json_in_the_environment(monkeypatch):
    monkeypatch.setenv("REJOINDER_SERVING__REPLICAS", '["http://10.0.0.1:8000", "http://10.0.0.2:8000"]')
    monkeypatch.setenv("REJOINDER_SERVING__CHAT_TEMPLATE_KWARGS", '{"enable_thinking": false}')
    monkeypatch.setenv("REJOINDER_SERVING__BACKEND", "cuda")
    settings = load()
    assert settings.replicas == ("http://10.0.0.1:8000", "http://10.0.0.2:8000")
    assert settings.chat_template_kwargs == {"enable_thinking": False}


def test_list_that_is_no_json_names_its_form(monkeypatch):
    monkeypatch.setenv("REJOINDER_SERVING__REPLICAS", "http://10.0.0.1:8000")
    (fault,) = faults_of()
    assert "replicas" in fault and 'as JSON: ["a", "b"]' in fault


def test_all_faults_are_told_at_once_each_with_its_place(tmp_path, monkeypatch):
    config = write(tmp_path / "r.toml", '[serving]\nport = 99999\ndtype = "int3"\nmax_tokenz = 3\n')
    monkeypatch.setenv("REJOINDER_SERVING__TOP_P", "1.5")
    faults = faults_of(config, temperature="warm")
    assert len(faults) == 5
    text = "\n".join(faults)
    assert (
        f"port = 99999: Input should be less than or equal to 65535. Change it in {config}, table [serving]"
        in text
    )
    assert 'dtype = "int3"' in text and "'float32', 'bfloat16' or 'float16'" in text
    assert "there is no such key. Did you mean max_tokens?" in text
    assert 'top_p = "1.5"' in text and "REJOINDER_SERVING__TOP_P" in text
    assert 'temperature = "warm"' in text and "the command line" in text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"max_tokens": 1024}, "max_tokens = 1024 leaves no room for a prompt in max_model_len = 1024"),
        ({"host": "0.0.0.0"}, "host = 0.0.0.0 is no loopback address"),
        ({"host": "example.org"}, "host = example.org is no loopback address"),
        ({"replicas": ("10.0.0.1:8000",), "backend": "cpu"}, "10.0.0.1:8000 is no address"),
        ({"replicas": ("http://10.0.0.1:8000",)}, "backend = auto cannot be found out"),
        (
            {"replicas": ("http://10.0.0.1:8000",), "backend": "cpu", "during_training": "stop"},
            "engines in replicas are run by others; take stay",
        ),
    ],
)
def test_settings_that_do_not_go_together(values, text):
    assert any(text in fault for fault in faults_of(**values))


def test_two_cross_faults_are_two_faults():
    assert len(faults_of(host="0.0.0.0", max_tokens=5000)) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_hosts_pass(host):
    assert load(host=host).host == host


def test_secret_is_shown_nowhere(tmp_path):
    config = write(tmp_path / "r.toml", "[serving]\napi_key = 5\nport = -1\n")
    text = "\n".join(faults_of(config))
    assert "api_key = (secret)" in text
    assert "hidden" not in repr(load(api_key="hidden"))


@pytest.mark.parametrize(
    ("text", "limit"), [("[serving\n", "not TOML"), ("serving = 3\n", "must be a table")]
)
def test_file_that_holds_no_table(tmp_path, text, limit):
    (fault,) = faults_of(write(tmp_path / "r.toml", text))
    assert limit in fault


def test_missing_file_is_a_fault(tmp_path):
    (fault,) = faults_of(tmp_path / "absent.toml")
    assert "no such file" in fault and "--config" in fault


def test_any_package_may_bring_its_own_class(tmp_path, monkeypatch):
    config = write(tmp_path / "r.toml", "[feedback]\nport = 8090\nthreads = 4\n")
    monkeypatch.setenv("REJOINDER_FEEDBACK__THREADS", "8")
    settings = load_settings(FeedbackSettings, "feedback", config=config, data_dir=tmp_path)
    assert (settings.port, settings.threads, settings.data_dir) == (8090, 8, tmp_path)


def test_every_setting_is_documented():
    import ast
    import inspect

    import serving.settings

    (body,) = [
        node.body
        for node in ast.parse(inspect.getsource(serving.settings)).body
        if isinstance(node, ast.ClassDef)
    ]
    fields = [index for index, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
    documented = [body[i + 1] for i in fields if isinstance(body[i + 1], ast.Expr)]
    assert len(fields) == len(documented) == len(ServingSettings.model_fields)
