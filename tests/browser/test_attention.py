"""What calls an agent who looks elsewhere: the number in the title, a tone, a notification."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import await_cards, part
from tests.browser.site import Site
from tests.browser.test_queue_place import ask_in, leave

pytestmark = pytest.mark.real

# Whether anybody looks is up to the test; tones are counted; notifications are kept instead of shown.
STAGE = """
    window.isLookedAt = true;
    document.hasFocus = () => window.isLookedAt;
    window.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { window.tones += 1; return start.call(this, at); };
    window.shown = [];
    window.asked = 0;
    window.Notification = class extends EventTarget {
      static permission = "default";
      static async requestPermission() {
        window.asked += 1;
        return (Notification.permission = window.answer ?? "granted");
      }
      constructor(words) { super(); window.shown.push(this); this.words = words; }
      close() {}
    };
"""


@pytest.fixture
def stage(site: Site, open_page: Callable[..., Page]) -> Page:
    """A workbench with one turn open."""
    page = open_page()
    page.add_init_script(STAGE)
    ask_in(site, {"The first": "en"})
    page.goto(site.sign_in_link("wei", "agent"))
    await_cards(page)
    return page


def look(page: Page, is_looked_at: bool) -> None:
    page.evaluate(
        "(is) => { window.isLookedAt = is; window.dispatchEvent(new Event('focus')); }", is_looked_at
    )


def sign_in(site: Site, page: Page, name: str) -> None:
    """At the same browser; a page that misses its session must not lead elsewhere meanwhile."""
    page.goto("about:blank")
    page.context.clear_cookies()
    page.goto(site.sign_in_link(name, "agent"))


def words(page: Page) -> list[str]:
    found: list[str] = page.evaluate("window.shown.map((one) => one.words)")
    return found


def test_the_title_counts_what_came_while_nobody_looked_and_still_waits(site: Site, stage: Page) -> None:
    expect(stage).to_have_title("Workbench · Rejoinder")
    look(stage, False)
    [second] = ask_in(site, {"The second": "en"}, minutes=2)
    expect(stage).to_have_title("(1) Workbench · Rejoinder")
    ask_in(site, {"The third": "en", "The fourth": "zh"}, minutes=1)
    expect(stage).to_have_title("(3) Workbench · Rejoinder")
    leave(site, second)
    expect(stage).to_have_title("(2) Workbench · Rejoinder")
    look(stage, True)
    expect(stage).to_have_title("Workbench · Rejoinder")
    assert (stage.evaluate("window.tones"), words(stage), stage.evaluate("window.asked")) == (0, [], 0)


def test_sound_is_a_switch_of_the_person(site: Site, stage: Page) -> None:
    switch = stage.get_by_role("button", name="Sound")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    stage.wait_for_function("() => window.tones === 2")  # heard at once: two notes
    ask_in(site, {"The second": "en"}, minutes=1)
    stage.wait_for_function("() => window.tones === 4")
    stage.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")
    sign_in(site, stage, "mei")
    expect(switch).to_have_attribute("aria-pressed", "false")
    sign_in(site, stage, "wei")
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    stage.reload()
    expect(switch).to_have_attribute("aria-pressed", "false")


def test_a_notification_tells_no_text_and_opens_the_turn(site: Site, stage: Page) -> None:
    switch = stage.get_by_role("button", name="Alerts")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    assert (stage.evaluate("window.asked"), words(stage)) == (1, ["New messages are shown like this."])
    look(stage, False)
    ask_in(site, {"The second": "en"}, minutes=1)
    expect(stage).to_have_title("(1) Workbench · Rejoinder")
    assert words(stage)[1:] == ["A customer wrote."]
    stage.evaluate("window.shown[1].dispatchEvent(new Event('click'))")
    expect(stage.locator(".messages .from-customer")).to_contain_text("The second")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")


def test_a_browser_that_refuses_notifications_is_told_and_the_switch_stays_off(stage: Page) -> None:
    stage.evaluate("() => { window.answer = 'denied'; }")
    stage.get_by_role("button", name="Alerts").click()
    expect(stage.locator(part("live"))).to_have_text(
        "The browser does not allow notifications from this page."
    )
    expect(stage.get_by_role("button", name="Alerts")).to_have_attribute("aria-pressed", "false")
