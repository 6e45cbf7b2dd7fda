"""What agents see of campaigns in their queue: a name beside what belongs, and the same order as ever."""

from tests.feedback.campaigns.campaigns import start


def list_marks(desk):
    answer = desk.get("/v1/queue", "agent").json
    return [(turn["text"], turn["campaigns"]) for turn in answer["turns"]]


def test_an_open_campaign_marks_what_belongs_to_it_and_leaves_the_order(sqlite_desk):
    for text, said in (
        ("one", {"tags": ["delivery"], "language": "en"}),
        ("two", {"tags": ["refund"], "language": "zh-CN"}),
        ("three", {}),
    ):
        sqlite_desk.open(text, **said)
        sqlite_desk.clock.advance(1)
    before = list_marks(sqlite_desk)
    assert before == [("one", []), ("two", []), ("three", [])]
    refunds = start(sqlite_desk, name="Refunds")
    chinese = start(sqlite_desk, name="Chinese", tags=[], languages=["zh"])
    assert list_marks(sqlite_desk) == [("one", []), ("two", ["Chinese", "Refunds"]), ("three", [])]
    sqlite_desk.post(f"/v1/campaigns/{refunds}/end", "expert")
    assert list_marks(sqlite_desk) == [("one", []), ("two", ["Chinese"]), ("three", [])]
    sqlite_desk.post(f"/v1/campaigns/{chinese}/end", "expert")
    assert list_marks(sqlite_desk) == before
    sqlite_desk.post(f"/v1/campaigns/{refunds}/resume", "expert")
    assert list_marks(sqlite_desk)[1] == ("two", ["Refunds"])
    sqlite_desk.clock.advance(10 * 86_400)
    assert list_marks(sqlite_desk) == before
