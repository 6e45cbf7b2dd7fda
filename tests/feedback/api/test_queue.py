"""The queue and its claims."""

from tests.feedback.desk import add_strangers, put_set


def queue(desk, role="agent", query=""):
    answer = desk.get(f"/v1/queue{query}", role)
    assert answer.status_code == 200, answer.text
    return answer.json["turns"]


def test_the_queue_shows_who_waits_the_longest_first(desk):
    details = ["ann.lee@example.org", "Ann Lee"]
    first = desk.open(
        "I wait the longest", language="en", tags=["orders"], customer_id="c-7", customer_details=details
    )
    desk.clock.advance(30)
    second = desk.open("I came later")
    put_set(desk.engine, second["turn_id"])
    shown = queue(desk)
    assert [turn["turn_id"] for turn in shown] == [first["turn_id"], second["turn_id"]]
    assert shown[0] | {"created_at": None} == {
        "turn_id": first["turn_id"],
        "conversation_id": first["conversation_id"],
        "language": "en",
        "tags": ["orders"],
        "customer": "Ann Lee",
        "by_stranger": False,
        "text": "I wait the longest",
        "created_at": None,
        "due_at": None,
        "waiting_s": 30.0,
        "set_state": None,
        "claimed_by": None,
        "claimed_by_me": False,
        "claimed_by_name": None,
        "readers": [],
        "campaigns": [],
        "two_answers": False,
    }
    assert shown[1]["set_state"] == "ready"


def test_an_answered_turn_leaves_the_queue(desk):
    _, shown = desk.open_ready()
    desk.pick(shown)
    assert queue(desk) == []


def test_a_claim_belongs_to_one_agent_until_it_is_given_back(desk):
    path = f"/v1/turns/{desk.open()['turn_id']}"
    claimed = desk.post(f"{path}/claim", "ann")
    assert (claimed.status_code, claimed.json["claimed_by"]) == (200, desk.users["ann"])
    assert desk.post(f"{path}/claim", "ann").status_code == 200
    refused = desk.post(f"{path}/claim", "ben")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "turn_claimed")
    assert [turn["claimed_by_me"] for turn in queue(desk, "ann") + queue(desk, "ben")] == [True, False]
    assert desk.post(f"{path}/release", "ben").json["claimed_by"] == desk.users["ann"]
    assert desk.post(f"{path}/release", "ann").json["claimed_by"] is None
    assert desk.post(f"{path}/claim", "ben").status_code == 200


def test_a_claim_that_is_not_prolonged_expires_after_a_minute(desk):
    path = f"/v1/turns/{desk.open()['turn_id']}/claim"
    desk.post(path, "ann")
    desk.clock.advance(59)
    assert queue(desk, "ben")[0]["claimed_by_name"] == "ann"
    desk.clock.advance(1)
    assert (queue(desk, "ben")[0]["claimed_by"], queue(desk, "ben")[0]["claimed_by_name"]) == (None, None)
    assert desk.post(path, "ben").status_code == 200


def test_a_claim_from_before_a_step_back_holds_nobody_up(desk):
    path = f"/v1/turns/{desk.open()['turn_id']}/claim"
    desk.post(path, "ann")
    desk.clock.step(-3600)
    assert queue(desk, "ben")[0]["claimed_by"] is None
    assert desk.post(path, "ben").status_code == 200


def test_an_app_names_the_agent_it_acts_for(desk):
    path = f"/v1/turns/{desk.open()['turn_id']}/claim"
    assert desk.post(path, "app", agent="zoe").json["claimed_by"] == "app:zoe"
    assert [turn["claimed_by_me"] for turn in queue(desk, "app", "?agent=zoe") + queue(desk, "app")] == [
        True,
        False,
    ]
    assert desk.post(path, "ann", agent="zoe").status_code == 422


def test_turns_that_do_not_wait_are_not_claimed(desk):
    opened, shown = desk.open_ready()
    assert desk.post("/v1/turns/unknown/claim", "ann").json["error"]["code"] == "turn_not_found"
    assert desk.get("/v1/turns/unknown/suggestions", "ann").json["error"]["code"] == "turn_not_found"
    assert desk.post("/v1/turns/unknown/release", "ann").json["error"]["code"] == "turn_not_found"
    desk.pick(shown)
    refused = desk.post(f"/v1/turns/{opened['turn_id']}/claim", "ann")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "already_judged")


def test_a_customer_behind_many_strangers_is_counted_and_reached_page_by_page(desk):
    strangers = add_strangers(desk, ["Spam"] * 250)
    customer = desk.open("Where is my order 1042?")["turn_id"]
    found, query = [], ""
    while query is not None:
        page = desk.get(f"/v1/queue?limit=75{query}", "agent").json
        assert page["total"] == 251
        found += page["turns"]
        query = f"&after={page['next']}" if page["next"] else None
    assert [turn["turn_id"] for turn in found] == [*strangers, customer]
    assert [turn["by_stranger"] for turn in found] == [True] * 250 + [False]


def test_turns_of_one_moment_are_on_one_page_each(desk):
    turn_ids = {desk.open()["turn_id"] for _ in range(5)}
    first = desk.get("/v1/queue?limit=2", "agent").json
    rest = desk.get(f"/v1/queue?limit=3&after={first['next']}", "agent").json
    assert {turn["turn_id"] for turn in first["turns"] + rest["turns"]} == turn_ids
    assert rest["next"] is None


def test_a_page_goes_on_behind_a_turn_that_was_answered_meanwhile(desk):
    opened, shown = desk.open_ready()
    desk.clock.advance(1)
    later = desk.open("I came later")["turn_id"]
    desk.pick(shown)
    assert [turn["turn_id"] for turn in queue(desk, query=f"?after={opened['turn_id']}")] == [later]


def test_a_page_behind_no_turn_is_refused(desk):
    answer = desk.get("/v1/queue?after=unknown", "agent")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "turn_not_found")
    for limit in (0, 1001, "x"):
        assert desk.get(f"/v1/queue?limit={limit}", "agent").status_code == 422


def test_who_opened_a_conversation_on_the_public_page_is_a_stranger(desk):
    assert desk.post("/chat/start", None, text="Hello?").status_code == 201
    assert [turn["by_stranger"] for turn in queue(desk)] == [True]


def texts_of(desk, query, role="agent"):
    return [turn["text"] for turn in queue(desk, role, query)]


def open_kinds(desk):
    """Five customers of three languages, one of them unknown, a second apart."""
    for text, fields in {
        "parcel": {"language": "en", "tags": ["orders", "vip"]},
        "colour": {"language": "en-GB", "tags": ["orders"]},
        "包裹": {"language": "zh-CN", "tags": ["订单"]},
        "enm": {"language": "enm", "tags": []},
        "?": {"tags": ["vip"]},
    }.items():
        desk.open(text, **fields)
        desk.clock.advance(1)


def test_a_language_takes_all_its_regions_and_no_other(desk):
    open_kinds(desk)
    assert texts_of(desk, "?language=en") == ["parcel", "colour"]
    assert texts_of(desk, "?language=EN-gb") == ["colour"]
    assert texts_of(desk, "?language=zh") == ["包裹"]
    assert texts_of(desk, "?language=und") == ["?"]
    assert texts_of(desk, "?language=de") == []


def test_a_tag_is_the_whole_tag(desk):
    open_kinds(desk)
    assert texts_of(desk, "?tag=vip") == ["parcel", "?"]
    assert texts_of(desk, "?tag=order") == []
    assert texts_of(desk, "?tag=订单") == ["包裹"]
    assert texts_of(desk, "?tag=vip&language=en") == ["parcel"]


def test_mine_is_what_this_agent_holds_and_holds_still(desk):
    open_kinds(desk)
    first, second = queue(desk)[:2]
    desk.post(f"/v1/turns/{first['turn_id']}/claim", "ann")
    desk.post(f"/v1/turns/{second['turn_id']}/claim", "ben")
    assert texts_of(desk, "?mine=true", "ann") == ["parcel"]
    assert texts_of(desk, "?mine=true&language=zh", "ann") == []
    assert texts_of(desk, "?mine=true", "ben") == ["colour"]
    desk.post(f"/v1/turns/{first['turn_id']}/claim", "app", agent="zoe")  # refused: it is ann's
    assert texts_of(desk, "?mine=true&agent=zoe", "app") == []
    desk.clock.advance(10 * 60)
    assert texts_of(desk, "?mine=true", "ann") == []


def test_mine_is_also_what_this_agent_has_an_unsent_text_for(desk):
    opened, other = desk.open("Where is it?", language="en"), desk.open("How much?", language="de")
    for role, where in (("ann", opened), ("ben", other)):
        desk.put(f"/v1/conversations/{where['conversation_id']}/draft", role, revision=1, text="On its")
    assert texts_of(desk, "?mine=true", "ann") == ["Where is it?"]
    assert texts_of(desk, "?mine=true&language=de", "ann") == []
    desk.say(opened, "customer", "Hello?")
    assert texts_of(desk, "?mine=true", "ann") == ["Hello?"]
    desk.put(f"/v1/conversations/{opened['conversation_id']}/draft", "ann", revision=2, text="")
    assert texts_of(desk, "?mine=true", "ann") == []


def test_a_filter_is_counted_and_paged(desk):
    for number in range(7):
        desk.open(f"{number}", language="en" if number % 2 else "zh")
        desk.clock.advance(1)
    first = desk.get("/v1/queue?language=zh&limit=3", "agent").json
    assert ([turn["text"] for turn in first["turns"]], first["total"]) == (["0", "2", "4"], 4)
    rest = desk.get(f"/v1/queue?language=zh&limit=3&after={first['next']}", "agent").json
    assert ([turn["text"] for turn in rest["turns"]], rest["total"], rest["next"]) == (["6"], 4, None)


def test_the_kinds_that_wait_are_listed_the_most_first(desk):
    open_kinds(desk)
    assert desk.get("/v1/queue/kinds", "agent").json == {
        "languages": [
            {"language": "en", "count": 2},
            {"language": "enm", "count": 1},
            {"language": "und", "count": 1},
            {"language": "zh", "count": 1},
        ],
        "tags": [
            {"tag": "orders", "count": 2},
            {"tag": "vip", "count": 2},
            {"tag": "订单", "count": 1},
        ],
    }
    desk.post("/v1/turns/close", "ann", turn_ids=[queue(desk)[0]["turn_id"]], reason="spam")
    assert desk.get("/v1/queue/kinds", "agent").json["tags"][0] == {"tag": "orders", "count": 1}


def test_a_tag_that_a_conversation_has_twice_counts_once(desk):
    desk.open(tags=["vip", "vip"])
    assert desk.get("/v1/queue/kinds", "agent").json["tags"] == [{"tag": "vip", "count": 1}]


def test_filters_that_mean_nothing_are_refused(desk):
    for query in ("language=%25", "language=", "tag=", "tag=%20", "mine=perhaps", "tags=vip"):
        assert desk.get(f"/v1/queue?{query}", "agent").status_code == 422, query


def test_what_an_agent_has_open_is_told_through_any_filter_and_page(desk):
    first = desk.open("I wait the longest", language="en")
    desk.clock.advance(1)
    opened = desk.open("包裹", language="zh")
    asked = f"/v1/queue?language=en&limit=1&opened={opened['turn_id']}"
    answer = desk.get(asked, "agent").json
    assert [turn["turn_id"] for turn in answer["turns"]] == [first["turn_id"]]
    assert (answer["opened"]["turn_id"], answer["opened"]["text"]) == (opened["turn_id"], "包裹")
    newer = desk.say(opened, "customer", "还在等").json["turn_id"]
    assert desk.get(asked, "agent").json["opened"]["turn_id"] == newer
    desk.post("/v1/turns/close", "ann", turn_ids=[newer], reason="spam")
    assert desk.get(asked, "agent").json["opened"] is None
    assert desk.get("/v1/queue?opened=unknown", "agent").json["opened"] is None
