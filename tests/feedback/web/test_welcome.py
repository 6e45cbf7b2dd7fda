"""What the customer's page says first: the settings' words in the page's language, and how long is kept."""

import pytest

from demo.chat import EXAMPLES, add_examples
from feedback.app import create_app
from feedback.settings import FeedbackSettings
from serving.settings import DEMO_BASE
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.desk import KEY, make_desk

NAMES = {"en": "Lamp shop", "zh": "灯具商店"}


def read_page(app, language="en"):
    return app.test_client().get("/chat", headers={"Accept-Language": language}).get_data(as_text=True)


def test_name_greeting_and_examples_are_the_desks_own_in_both_languages(sqlite_engine, tmp_path):
    desk = make_desk(
        sqlite_engine,
        tmp_path,
        chat_name=NAMES,
        chat_greeting={"en": "What is dark?", "zh": "哪里不亮？"},
        chat_examples={"en": ("My lamp <flickers>.",), "zh": ("灯在闪。",)},
    )
    english, chinese = read_page(desk.app), read_page(desk.app, "zh-CN")
    for words in ("Lamp shop", "What is dark?", "My lamp &lt;flickers&gt;."):
        assert words in english and words not in chinese
    for words in ("灯具商店", "哪里不亮？", "灯在闪。"):
        assert words in chinese and words not in english
    assert "Customer service" not in english


@pytest.mark.parametrize(("own", "shown"), [("en", "Lamp shop"), ("zh", "灯具商店")])
def test_a_language_that_is_left_out_shows_the_other_ones_words(sqlite_engine, tmp_path, own, shown):
    desk = make_desk(sqlite_engine, tmp_path, chat_name={own: NAMES[own]})
    assert shown in read_page(desk.app, "en") and shown in read_page(desk.app, "zh-CN")


def test_without_settings_there_is_no_example_of_anybodys_order(sqlite_engine, tmp_path):
    page = read_page(make_desk(sqlite_engine, tmp_path).app)
    assert "How can we help?" in page
    assert "data-example" not in page


def test_the_demo_brings_its_own_examples_and_takes_nobody_elses_place():
    plain, own = FeedbackSettings(), FeedbackSettings(chat_examples={"en": ("Hello",)})
    assert add_examples(plain, base_model=DEMO_BASE).chat_examples == EXAMPLES
    assert add_examples(plain, base_model="Qwen/Qwen3-0.6B").chat_examples == {}
    assert add_examples(own, base_model=DEMO_BASE).chat_examples == {"en": ("Hello",)}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chat_name", {"fr": "Lampes"}),
        ("chat_name", {"en": " "}),
        ("chat_examples", {"en": ["one", "two", "three", "four", "five"]}),
        ("chat_greeting", {"en": "x" * 501}),
    ],
)
def test_words_that_do_not_fit_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        FeedbackSettings(**{field: value})


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "They are kept until they are deleted."), (90, "erased 90 days after its last message")],
)
def test_the_page_says_for_how_long_a_conversation_is_kept(sqlite_engine, tmp_path, days, said):
    settings = FeedbackSettings(data_dir=tmp_path, secret_key=KEY, public_chat=True)
    app = create_app(settings, store_engine=sqlite_engine, clock=FrozenClock(START), retention_days=days)
    assert said in read_page(app)
