"""A web that is started without `up`: it goes by the settings that `up` would have handed to it."""

from commands.frame import Frame
from commands.store import migrate_store
from commands.up.web import building_front
from feedback.suggestions.suggester import Suggester
from tests.families.models import build_base


def test_a_web_that_is_started_alone_chooses_what_suits_the_base(tmp_path, monkeypatch, caplog):
    taken = []

    class NotedSuggester(Suggester):
        def __init__(self, **given):
            taken.append(given["serving"])
            super().__init__(**given)

    base = build_base(tmp_path / "base", "qwen3")
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", str(base))
    monkeypatch.setattr("commands.up.web.Suggester", NotedSuggester)
    caplog.set_level("INFO")
    frame = Frame(tmp_path, None)
    migrate_store(frame)
    with building_front(frame):
        assert taken == [frame.settled()]
    assert (taken[0].max_tokens, taken[0].max_model_len) == (64, 256)
    assert "chosen: max_tokens = 64 (a few short paragraphs, at most a quarter of the window)" in caplog.text
