"""`rejoinder campaign`: started, listed, ended and resumed from the command line alone."""

import json
from pathlib import Path

from tests.commands.conftest import Call


def test_a_campaign_is_started_listed_ended_and_resumed(call: Call, store: Path) -> None:
    assert "No campaigns yet" in call("campaign", "list").output
    made = call("campaign", "start", "Refunds", "--tag", "refund", "--target", "40", "--days", "7", "--json")
    campaign_id = json.loads(made.output)["id"]
    assert "open, 0 of 40 picks, 0.0 a day, unknown, until" in call("campaign", "list").output
    assert "is ended" in call("campaign", "end", campaign_id, "--reason", "enough").output
    assert call("campaign", "end", campaign_id).exit_code == 3
    (row,) = json.loads(call("campaign", "list", "--json").output)["campaigns"]
    assert (row["state"], row["outlook"], row["tags"], row["target"]) == ("ended", "over", ["refund"], 40)
    assert "is open" in call("campaign", "resume", campaign_id).output
    refused = call("campaign", "start", "All", "--target", "40")
    assert refused.exit_code == 1 and "would collect everything" in refused.output
