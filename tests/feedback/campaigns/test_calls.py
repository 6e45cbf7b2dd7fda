"""The calls about campaigns: started, shown, ended, resumed, and everything that is refused."""

from datetime import timedelta

import pytest

from feedback.store.campaigns import list_scenarios
from feedback.store.engine import read, unit_of_work
from feedback.store.fits import write_fit
from feedback.store.tables import DEFAULT_DESK, Campaign, DefinitionChange, Deployment
from tests.databases import START
from tests.feedback.builders import add_adapter
from tests.feedback.campaigns.campaigns import pick_about, show, start
from tests.feedback.desk import Desk

ADAPTER = "tuned-20261122-1"


def list_open_names(desk: Desk) -> list[str]:
    with read(desk.engine) as session:
        found = list_scenarios(session, desk_id=DEFAULT_DESK, now=desk.clock.now())
    return [each.campaign.name for each in found]


def test_a_campaign_tells_its_progress_until_it_is_ended(desk):
    campaign_id = start(desk, target=4)
    pick_about(desk, "refund")
    pick_about(desk, "refund", "other", index=1)
    pick_about(desk, "delivery")
    desk.clock.advance(2 * 86_400)
    told = show(desk, campaign_id)
    assert (told["usable"], told["rate"], told["outlook"], told["state"]) == (2, 1.0, "expected", "open")
    assert told["expected_at"].startswith((START + timedelta(days=4)).isoformat()[:16])
    assert list_open_names(desk) == ["Refunds"]
    ended = desk.post(f"/v1/campaigns/{campaign_id}/end", "expert", reason="enough")
    assert ended.json == {"campaign_id": campaign_id, "state": "ended"}
    desk.clock.advance(1)
    pick_about(desk, "refund")
    told = show(desk, campaign_id)
    assert (told["usable"], told["outlook"], told["ended_by"]) == (2, "over", "eva")
    assert list_open_names(desk) == []
    kept = desk.rows(DefinitionChange, kind="campaign")
    assert [(row.what["did"], row.reason) for row in kept] == [("start", ""), ("end", "enough")]


def test_an_ending_is_taken_back_while_its_time_runs(sqlite_desk):
    campaign_id = start(sqlite_desk)
    path = f"/v1/campaigns/{campaign_id}"
    for call in ("end", "end"):
        assert sqlite_desk.post(f"{path}/{call}", "expert").status_code == 200
    for _again in range(2):
        assert sqlite_desk.post(f"{path}/resume", "expert").json["state"] == "open"
    assert list_open_names(sqlite_desk) == ["Refunds"]
    assert [row.what["did"] for row in sqlite_desk.rows(DefinitionChange)] == ["start", "end", "resume"]
    sqlite_desk.clock.advance(10 * 86_400)
    assert show(sqlite_desk, campaign_id)["state"] == "ended" and list_open_names(sqlite_desk) == []
    refused = sqlite_desk.post(f"{path}/resume", "expert")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "campaign_over")


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ({"tags": []}, 422, "campaign_of_nothing"),
        ({"ends_at": START.isoformat()}, 422, "campaign_end_past"),
        ({"weak": True}, 409, "no_weak_tags"),
        ({"target": 0}, 422, "body_invalid"),
    ],
    ids=str,
)
def test_what_is_no_campaign_is_refused(sqlite_desk, said, status, code):
    whole = {"name": "A", "tags": ["refund"], "target": 1, "ends_at": "2027-12-01T00:00:00Z"} | said
    answer = sqlite_desk.post("/v1/campaigns", "expert", **whole)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert sqlite_desk.rows(Campaign) == []
    for path in ("/v1/campaigns/x/end", "/v1/campaigns/x/resume"):
        assert sqlite_desk.post(path, "expert").json["error"]["code"] == "campaign_not_found"


def test_weak_tags_are_those_of_its_start(sqlite_desk):
    """Of delivery 4 of 10 picks are for what serves; of refund 5 of 10, and of bills all 9 are against it."""
    cells = {"delivery": (4, 10), "refund": (5, 10), "bill": (0, 9)}
    told = {name: {"rate": won / all, "counted": all} for name, (won, all) in cells.items()}
    value = {"fitted": {"breakdown": {"tags": told}}}
    served = {"role": "live", "adapter": ADAPTER, "actor": "ada", "reason": "", "at": START}
    with unit_of_work(sqlite_desk.engine) as session:
        add_adapter(session, ADAPTER, "live")
        session.add(Deployment(desk_id=DEFAULT_DESK, fencing_token=1, **served))
        write_fit(session, desk_id=DEFAULT_DESK, adapter=ADAPTER, judgements=29, value=value, now=START)
    campaign_id = start(sqlite_desk, tags=["other"], weak=True)
    assert show(sqlite_desk, campaign_id)["tags"] == ["other", "delivery"]
