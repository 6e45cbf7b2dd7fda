"""`rejoinder data`: what is there of each tag and source."""

import json
from pathlib import Path

from tests.commands.conftest import Call


def test_tags_and_sources_are_told_with_what_to_collect_next(call: Call, store: Path, tmp_path: Path) -> None:
    assert "No conversation and no record has a tag yet" in call("data").output
    lines = [
        {
            "id": f"c{number}-0",
            "source": "shop",
            "prompt": [{"role": "user", "content": f"Where is order A-{number}, and who brings it?"}],
            "candidates": [{"text": "It leaves today."}, {"text": "Please read the page."}],
            "picked": [0],
            "tags": ["delivery"],
        }
        for number in range(3)
    ]
    path = tmp_path / "choices.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    call("import", str(path))
    call("dataset", "build")
    told = call("data").output
    assert "tag     delivery: 0 conversations, 3 usable records" in told
    assert "in 1 version and 0 adapters" in told
    assert "next    Collect “delivery” next (usable records: 3): the base serves alone" in told
    found = json.loads(call("data", "--json").output)
    assert found["next"]["values"] == {"tag": "delivery", "usable": 3, "missing": 385}
    (tag,) = found["tags"]
    assert (tag["name"], sum(tag["records"].values()), tag["versions"], tag["missing"]) == (
        "delivery",
        3,
        1,
        385,
    )
    assert {row["name"]: row["versions"] for row in found["sources"]}["shop"] == 1
