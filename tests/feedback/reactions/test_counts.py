"""Reactions to the replies of a small store, counted by hand."""

import re
from collections import Counter

from feedback.reactions.counts import Reactions, count_adapter_reactions, count_serving_reactions
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Deployment
from tests.feedback.builders import add_adapter

ADAPTER = "tuned-20261122-1"  # of the sets that put_set writes
BASE_CARD, TUNED_CARD, DAY = 0, 1, 86_400
AFTER = [
    (BASE_CARD, "Thanks!"),
    (BASE_CARD, "Where is my order 1042?"),
    (BASE_CARD, None),
    (TUNED_CARD, "Can I speak to a human?"),
    (TUNED_CARD, "On Tuesday then."),
]


def serve(desk):
    """Five replies as suggested and one edited, each released and followed; and one that is still held."""
    with unit_of_work(desk.engine) as session:
        add_adapter(session, ADAPTER, "live")
        told = {"fencing_token": 1, "actor": "ada", "reason": "", "at": desk.clock.now()}
        session.add(Deployment(desk_id=DEFAULT_DESK, adapter=ADAPTER, role="live", **told))
    opened = [send(desk, card) for card, _ in AFTER]
    edited, shown = desk.open_ready()
    card = shown["candidates"][BASE_CARD]["candidate_id"]
    assert desk.judge(shown, "edit", candidate_id=card, text="Base one, edited.").status_code == 201
    desk.clock.advance(60)
    for (_, text), each in zip([*AFTER, (None, "Thanks!")], [*opened, edited], strict=True):
        if text is not None:
            assert desk.say(each, "customer", text).status_code == 201
    send(desk, BASE_CARD)


def send(desk, card):
    opened, shown = desk.open_ready()
    assert desk.pick(shown, card).status_code == 201
    return opened


def count(desk):
    with read(desk.engine) as session:
        now = desk.clock.now()
        found = count_serving_reactions(session, desk_id=DEFAULT_DESK, now=now)
        beside = count_adapter_reactions(session, ADAPTER, desk_id=DEFAULT_DESK, now=now)
    assert [each.counts for each in found] == [each.counts for each in beside]
    return {each.role: dict(each.counts) for each in found}


def test_each_arm_has_its_reactions_and_silence_comes_with_the_day(desk):
    serve(desk)
    live = {"asks_person": 1, "other": 1}
    assert count(desk) == {"base": {"thanks": 1, "repeats": 1}, "live": live}
    desk.clock.advance(DAY)  # the reply that was held is released by then, and waits
    desk.clock.advance(60)
    assert count(desk) == {"base": {"thanks": 1, "repeats": 1, "silent": 1}, "live": live}
    desk.clock.advance(DAY)
    assert count(desk) == {"base": {"thanks": 1, "repeats": 1, "silent": 2}, "live": live}
    desk.clock.advance(61 * DAY)
    assert count(desk) == {"base": {}, "live": {}}


def test_a_share_has_wilsons_interval():
    told = Reactions("live", ADAPTER, Counter(thanks=1, other=1)).to_json()
    assert (told["role"], told["adapter"], told["replies"]) == ("live", ADAPTER, 2)
    # One of two: z^2 = 3.8415, (0.5 + 3.8415/4 -+ 1.96 sqrt(0.125 + 3.8415/16)) / (1 + 3.8415/2)
    found = {name: round(value, 4) for name, value in told["reactions"]["thanks"].items()}
    assert found == {"count": 1, "share": 0.5, "low": 0.0945, "high": 0.9055}


def test_the_console_shows_them_to_experts_alone(sqlite_desk):
    serve(sqlite_desk)
    client = sqlite_desk.app.test_client()
    for path in ("/console/trends", f"/console/adapters/{ADAPTER}"):
        for language, thanks in (("en", "Thanks"), ("zh-CN", "道谢")):
            headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
            part = client.get(path, headers=headers).text.partition('data-part="reactions"')[2]
            words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part))
            assert f"{thanks} 1 50 % · 9 % – 91 % 0 0 % · 0 % – 66 %" in words, words[:600]
        assert sqlite_desk.get(path, "agent").status_code == 403
