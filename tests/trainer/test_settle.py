"""What commands, the children of `up`, and a web or a trainer that is started alone get where nothing is set:
the same settings, by the base.
"""

from pathlib import Path

import pytest

from commands.frame import Frame
from feedback.settings import FeedbackSettings
from serving.settings import ServingSettings
from tests.families.models import build_base
from trainer.settle import list_variables, settle_deadline, settle_serving


def test_children_read_what_was_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = build_base(tmp_path / "base", "qwen3")
    frame = Frame(tmp_path, None)
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(base))
    monkeypatch.setenv("REJOINDER_SERVING__MAX_TOKENS", "33")
    settled, chosen = settle_serving(frame.serving(), frame.trainer())
    assert (settled.max_model_len, settled.max_tokens) == (256, 33)
    assert settled.chat_template_kwargs == {"enable_thinking": False}
    for name, value in list_variables(chosen, "SERVING").items():
        monkeypatch.setenv(name, value)
    assert frame.serving() == settled == frame.settled()


def test_nothing_is_chosen_where_engines_elsewhere_serve_or_the_base_is_not_here(tmp_path: Path) -> None:
    trainer = Frame(tmp_path, None).trainer()
    for settings in (
        ServingSettings(base_model="/nowhere"),
        ServingSettings(base_model="/nowhere", replicas=("http://x:1",), backend="cpu"),
    ):
        assert settle_serving(settings, trainer) == (settings, [])


def test_a_set_waits_as_long_as_a_request_to_the_engine_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = ServingSettings(request_timeout_s=128)
    (chosen,) = settle_deadline(FeedbackSettings(), slow)
    assert (chosen.name, chosen.value) == ("set_deadline_s", 128)
    assert settle_deadline(FeedbackSettings(), ServingSettings()) == []  # both are 30
    assert settle_deadline(FeedbackSettings(set_deadline_s=20), slow) == []
    assert settle_deadline(FeedbackSettings(), ServingSettings(request_timeout_s=3600))[0].value == 600
    for name, value in list_variables([chosen], "FEEDBACK").items():
        monkeypatch.setenv(name, value)
    assert FeedbackSettings().set_deadline_s == 128
