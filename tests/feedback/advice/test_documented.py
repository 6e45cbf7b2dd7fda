"""docs/advice.md tells every number that advice for a desk goes by, and every outcome."""

import re
from pathlib import Path

from feedback.advice import facts

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "advice.md").read_text("utf-8")


def test_the_page_has_every_number_of_the_rules():
    told = {name: float(value) for name, value in re.findall(r"^\| `([A-Z_]+)` \| ([\d.]+) \|", PAGE, re.M)}
    held = {name: value for name, value in vars(facts).items() if name.isupper() and name not in LIBRARY}
    assert told == held and len(held) == 13


LIBRARY = {"MARKED", "NOT_ENOUGH", "SUCCESS", "Z95"}  # of feedback/experiments
