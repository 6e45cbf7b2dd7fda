"""Which characters of a text become a link, and what such a link looks like."""

import pytest
from playwright.sync_api import Page

from tests.browser.site import Site

pytestmark = pytest.mark.real

READ = """async (texts) => {
  const { linked } = await import("/static/links.js");
  return texts.map((text) => {
    const box = document.createElement("p");
    box.append(linked(text));
    return [box.textContent, Array.from(box.children, (child) => child.outerHTML)];
  });
}"""
# A text, and the addresses of it that are links.
LINKS = {
    "See https://shop.example/a?b=1&c=2#d.": ["https://shop.example/a?b=1&c=2#d"],
    "(https://shop.example/a)": ["https://shop.example/a"],
    "https://shop.example/Cup_(small), or HTTP://shop.example!": [
        "https://shop.example/Cup_(small)",
        "HTTP://shop.example",
    ],
    "请看https://shop.example/退货，谢谢": ["https://shop.example/"],
    "（https://shop.example/a?b=1）。": ["https://shop.example/a?b=1"],
    "“https://shop.example/a”…": ["https://shop.example/a"],
    "انظر https://shop.example/a؟": ["https://shop.example/a"],
    '<a href="https://shop.example/a">b</a>': ["https://shop.example/a"],
    "https://shop.example/a\u202egpj.exe": ["https://shop.example/a"],
    "https://bank.example@evil.example/ https://a:b@evil.example": [],
    "javascript:alert(1) ftp://shop.example data:text/html,x www.shop.example": [],
    "xhttps://shop.example http:// https:///": [],
    "<img src=x onerror=alert(1)>": [],
}


def test_web_addresses_are_links_that_show_themselves_and_everything_else_is_text(
    site: Site, customer: Page
) -> None:
    found = customer.evaluate(READ, list(LINKS))
    for (text, addresses), (shown, links) in zip(LINKS.items(), found, strict=True):
        assert shown == text
        as_written = [
            '<a href="{0}" target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{0}</a>'.format(
                address.replace("&", "&amp;")
            )
            for address in addresses
        ]
        assert links == as_written, text
