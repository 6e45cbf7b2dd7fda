"""The browser in which pages are tested and measured."""

from pathlib import Path

SHELL = Path("/usr/bin/chromium-headless-shell")
WHOLE = Path("/usr/bin/chromium")
MISSING = "no Chromium here: apt-get install chromium-headless-shell"


def find_chromium() -> Path | None:
    """Debian's Chromium without its windows, which computes a third less. The whole one draws them even where
    nobody looks, and once in about sixty times it never ends a context of two pages.
    """
    return next((path for path in (SHELL, WHOLE) if path.exists()), None)
