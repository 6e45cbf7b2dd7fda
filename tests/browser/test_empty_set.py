"""What an agent reads where every reply of a set was unusable: why, and which setting changes that; and where
the engine rests: until when.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from serving.client.fake import FakeEngine
from serving.errors import EngineResting
from tests.browser.conftest import View, part
from tests.browser.site import Site

pytestmark = pytest.mark.real

CUT = {
    "en-GB": (
        "No suggestions this time: every reply was cut off. Write the reply by hand and send it as always. "
        "Your administrator can raise max_tokens, now 96 tokens."
    ),
    "zh-CN": (
        "这次没有建议：每条回复都因过长而被截断。请手写回复，照常发送。"
        "管理员可以调高 max_tokens（当前为 96 个 token）。"
    ),
}
AWAY = {
    "en-GB": (
        "No suggestions just now: the model is away for training until about {time}. "
        "Write the reply by hand and send it as always."
    ),
    "zh-CN": "现在没有建议：模型正在训练，大约 {time} 回来。请手写回复，照常发送。",
}


def answer_with(engine: FakeEngine, text: str, finish: str) -> None:
    """Every reply is this text and ends so."""
    answer, lock = engine.answer, threading.Lock()

    def tell(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = answer(path, body)
        with lock:
            for choice in content["choices"] if path == "/v1/chat/completions" else ():
                choice["message"]["content"], choice["finish_reason"] = text, finish
        return status, content

    engine.answer = tell  # type: ignore[method-assign]


def open_desk(site: Site, page: Page) -> None:
    with unit_of_work(site.store) as session:
        said = [IncomingMessage("customer", "Where is my order 48213?")]
        open_conversation(session, desk_id=DEFAULT_DESK, now=SystemClock().now(), messages=said)
    page.goto(site.sign_in_link("wei", "agent"))


def test_agents_read_which_setting_cuts_replies_off(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    answer_with(site.engine, "It is on its", "length")
    page = open_page(language=view.language, width=view.width, height=view.height)
    open_desk(site, page)
    expect(page.locator(part("notice"))).to_have_text(CUT[view.language])
    expect(page.locator(part("composer"))).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("language", list(AWAY))
def test_agents_read_that_the_model_trains_and_until_when(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    until = SystemClock().now() + timedelta(hours=2)
    site.rests.append(EngineResting(until, is_gone=True))
    page = open_page(language=language, width=390, height=780)
    open_desk(site, page)
    time = page.evaluate(
        "at => { const d = new Date(at), two = n => String(n).padStart(2, '0');"
        " return `${two(d.getHours())}:${two(d.getMinutes())}`; }",
        until.isoformat(),
    )
    expect(page.locator(part("notice"))).to_have_text(AWAY[language].format(time=time))
    expect(page.locator(part("composer"))).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert site.engine.requests == []


@pytest.mark.parametrize(
    ("text", "told"),
    [("<think>where is it", "the model wrote thoughts and no reply"), (" ", "came out empty")],
)
def test_no_name_of_a_model_is_said_where_another_one_is_the_remedy(
    site: Site, open_page: Callable[..., Page], text: str, told: str
) -> None:
    answer_with(site.engine, text, "stop")
    page = open_page()
    open_desk(site, page)
    expect(page.locator(part("notice"))).to_contain_text(told)
    expect(page.locator(part("notice"))).to_contain_text("can choose another base_model.")
