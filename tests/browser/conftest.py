"""Chromium, a site per test, and pages that remember what went wrong in them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect, sync_playwright

from bench.chromium import MISSING, find_chromium
from serving.client.fake import FakeEngine
from tests.browser.site import UNDO_S, Site, run_site

LAN_HOST = "desk.example"  # leads here, and is to browsers what it would be in an office: no secure origin
LANGUAGES = ("en-GB", "zh-CN")
WAIT_MS = 60_000  # a busy machine is no failure
expect.set_options(timeout=WAIT_MS)
# The page hears of its size in the first frame.
AWAIT_LAYOUT = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame().then(frame);
}"""

# The bar that asks for reasons hides after four seconds, which a busy machine misses.
KEEP_REASONS = """(() => {
  const start = window.setTimeout;
  const slow = (ms) => (ms === 4000 && !window.mayHide ? 600_000 : ms);
  window.setTimeout = (run, ms, ...rest) => start(run, slow(ms), ...rest);
})()"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        at_home = f"--host-resolver-rules=MAP {LAN_HOST} 127.0.0.1"
        running = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox", at_home])
        yield running
        running.close()


@pytest.fixture
def undo_window_s() -> float:
    """A test that takes something back chooses LONG_S."""
    return UNDO_S


@pytest.fixture
def site(tmp_path: Path, undo_window_s: float) -> Iterator[Site]:
    with FakeEngine() as engine, run_site(tmp_path, engine=engine, undo_window_s=undo_window_s) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new page in a browser of its own; at the end none may have broken the policy or thrown."""
    contexts = []
    faults: list[str] = []

    def open_one(
        *, language: str = "en-GB", width: int = 1280, height: int = 800, has_touch: bool = False
    ) -> Page:
        size = ViewportSize(width=width, height=height)
        context = browser.new_context(locale=language, viewport=size, has_touch=has_touch)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if is_policy(line.text) else None)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


def is_policy(text: str) -> bool:
    return "Content Security Policy" in text or "Refused to" in text


@dataclass(frozen=True)
class View:
    """How somebody looks at a page: their language, and the size of the window in CSS pixels."""

    language: str
    width: int
    height: int


# A desk's screen, the same at a zoom of 200 % (half as many CSS pixels each way), a phone; in both languages.
SIZES = {"desk": (1400, 900), "zoomed": (700, 450), "phone": (390, 780)}
VIEWS = {
    f"{name}-{language}": View(language, *size) for name, size in SIZES.items() for language in LANGUAGES
}


@pytest.fixture(params=list(VIEWS.values()), ids=list(VIEWS))
def view(request: pytest.FixtureRequest) -> View:
    """Each way of looking: for the one test of a feature that walks its whole way."""
    assert isinstance(request.param, View)
    return request.param


# Both languages, the widest window and the narrowest.
ENDS = ("desk-en-GB", "phone-zh-CN")


@pytest.fixture(params=[VIEWS[name] for name in ENDS], ids=ENDS)
def end_view(request: pytest.FixtureRequest) -> View:
    """For a journey that looks at each page that it comes to in every size (`list_overflowing`)."""
    assert isinstance(request.param, View)
    return request.param


@pytest.fixture
def customer(site: Site, open_page: Callable[..., Page]) -> Page:
    """The customer chat."""
    page = open_page()
    page.goto(f"{site.url}/chat")
    return page


@pytest.fixture
def agent(site: Site, open_page: Callable[..., Page]) -> Page:
    """The workbench of the agent Wei."""
    page = open_page()
    page.goto(site.sign_in_link("wei", "agent"))
    page.wait_for_url(f"{site.url}/workbench")
    return page


def part(name: str) -> str:
    return f'[data-part="{name}"]'


def each_size(page: Page) -> Iterator[str]:
    """Shows what is there in a window of each size by turns, and then as it was."""
    own = page.viewport_size
    assert own is not None
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(AWAIT_LAYOUT)
        yield name
    page.set_viewport_size(own)


def list_overflowing(page: Page) -> list[str]:
    """The sizes of a window in which the page is wider than it."""
    wider = "document.documentElement.scrollWidth > innerWidth"
    return [name for name in each_size(page) if page.evaluate(wider)]


def ask(customer: Page, text: str) -> None:
    """Write as the customer and see it accepted."""
    customer.wait_for_selector(f"{part('send')}:enabled")
    customer.fill(part("text"), text)
    customer.press(part("text"), "Enter")
    customer.wait_for_selector(".from-customer:not(.pending, .unsent)")


def await_cards(agent: Page) -> list[str]:
    """The texts of the cards, once all are there."""
    agent.wait_for_selector(".cards.revealed .card .text")
    return agent.locator(".card .text").all_inner_texts()


def hold_back(page: Page, path: str) -> Callable[[], None]:
    """The next request of this path is kept from the service until the function that this gives is called. A
    request that comes only then passes at once.
    """
    held: list[Route] = []
    is_open = False

    def hold(route: Route) -> None:
        if is_open:
            route.continue_()
        else:
            held.append(route)

    def let_go() -> None:
        nonlocal is_open
        is_open = True
        for route in held:
            route.continue_()

    page.route(path, hold, times=1)

    return let_go
