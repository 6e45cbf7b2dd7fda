"""From judgements to choices: nothing is lost on the way without a reason."""

from feedback.experiments.funnel import count_funnel
from feedback.store.engine import read
from feedback.store.record_counts import count_given
from tests.databases import START
from tests.feedback.experiments.stores import give_prompts


def funnel(session, **since):
    return count_funnel(count_given(session, desk_id="default", **since))


def test_judgements_are_choices_and_reasons(desk):
    assert desk.pick(desk.open_ready()[1], 1).status_code == 201
    edited = desk.open_ready()[1]
    desk.judge(
        edited, "edit", candidate_id=edited["candidates"][0]["candidate_id"], text="Base one, and thank you."
    )
    desk.judge(desk.open_ready()[1], "own", text="Something else entirely, written by hand.")
    for kind in ("none", "skip"):
        desk.judge(desk.open_ready()[1], kind)
    undone = desk.pick(desk.open_ready()[1], 0).json
    desk.post(f"/v1/judgements/{undone['judgement_id']}/undo", "agent")
    desk.clock.advance(1)
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
    assert later.judgements == 0 and desk.clock.now() > START
    assert counted.to_json()["reasons"] == {"none": 1, "skip": 1, "undone": 1}
