"""From judgements to choices: nothing is lost on the way without a reason."""

from feedback.experiments.funnel import Funnel, count_page
from feedback.store.choices import read_judged, read_thumbed
from feedback.store.engine import read
from tests.databases import START
from tests.feedback.experiments.stores import give_prompts


def funnel(session, **since):
    """All at once, which the pages do page by page."""
    counted = Funnel()
    count_page(counted, read_judged(session, desk_id="default", with_tokens=False, **since))
    for thumb in read_thumbed(session, desk_id="default"):
        counted.thumbs_up += thumb.value == 1
        counted.thumbs_down += thumb.value == -1
        counted.thumbs_taken_back += thumb.value == 0
    return counted


def test_judgements_are_choices_and_reasons(desk):
    picked = desk.pick(desk.open_ready()[1], 1).json
    edited = desk.open_ready()[1]
    desk.judge(
        edited, "edit", candidate_id=edited["candidates"][0]["candidate_id"], text="Base one, and thank you."
    )
    desk.judge(desk.open_ready()[1], "own", text="Something else entirely, written by hand.")
    for kind in ("none", "skip"):
        desk.judge(desk.open_ready()[1], kind)
    undone = desk.pick(desk.open_ready()[1], 0).json
    desk.post(f"/v1/judgements/{undone['judgement_id']}/undo", "agent")
    desk.clock.advance(60)
    desk.post(f"/v1/messages/{picked['message_id']}/thumbs", value=1)
    desk.clock.advance(1)
    desk.post(f"/v1/messages/{picked['message_id']}/thumbs", value=-1)
    give_prompts(desk)

    with read(desk.engine) as session:
        counted = funnel(session)
        later = funnel(session, since=desk.clock.now())
    assert counted.judgements == 6
    assert counted.kinds == {"pick": 2, "edit": 1, "own": 1, "none": 1, "skip": 1}
    assert counted.choice_kinds == {"pick": 1, "edit": 1, "own": 1}
    assert counted.reasons == {"none": 1, "skip": 1, "undone": 1}
    assert counted.judgements == counted.choices + counted.reasons.total()
    assert counted.pairs == 3 + 4 + 4 and counted.pair_reasons == {}
    assert (counted.thumbs_up, counted.thumbs_down, counted.thumbs_taken_back) == (0, 1, 0)
    assert later.judgements == 0 and desk.clock.now() > START
    assert counted.to_json()["reasons"] == {"none": 1, "skip": 1, "undone": 1}
